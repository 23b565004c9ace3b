--[[
cursor: how far a source's stream was followed, moved in the step that stores the effect; or, for an
event that was quarantined, the head of its subject's queue, taken in the step that stores the effect.
KEYS cursor quarantine quarantined
ARG  step
Returns cursor_passed(), advance_cursor()
]]
-- All queues of a source are one sorted set, `<tenant>/<subject>`, a zero byte, 12 digits of the place
-- in the queue and the entry: a script may only count on keys that it was given by name.
local queue_head, queue_ends

-- Whether the stored cursor is not where this step starts: another subscriber was here, or the
-- store lost a tail. Of a quarantined event, whether it is the head of its queue no more: another
-- retry was here. Or the projection is being rebuilt. Then the step must not be taken.
local function cursor_passed()
  local stored = redis.call('HMGET', KEY.cursor, 'incarnation', 'position', 'nonce',
    'rebuilding')
  if stored[4] then return true end
  if not ARG.step.member then
    return (stored[1] or '') ~= ARG.step.from_incarnation
      or tonumber(stored[2] or 0) ~= ARG.step.from_position
      or (stored[3] or '') ~= ARG.step.from_nonce
  end
  local member = ARG.step.member
  local queue = redis.call('ZRANGEBYLEX', KEY.quarantined, '[' .. member .. '\0',
    '(' .. member .. '\1', 'LIMIT', 0, 2)
  if not queue[1] then return true end
  queue_head, queue_ends = queue[1], not queue[2]
  local entry = cmsgpack.unpack(string.sub(queue_head, #member + 14))
  return entry.position ~= ARG.step.position or entry.nonce ~= ARG.step.nonce
end

local function advance_cursor()
  if ARG.step.member then
    redis.call('ZREM', KEY.quarantined, queue_head)
    if queue_ends then redis.call('ZREM', KEY.quarantine, ARG.step.member) end
    return
  end
  redis.call('HSET', KEY.cursor, 'incarnation', ARG.step.incarnation,
    'position', ARG.step.position, 'nonce', ARG.step.nonce)
end
