--[[
cursor: how far a source's stream was followed, moved in the step that stores the effect; or, for an
event that was quarantined, the head of its subject's queue, taken in the step that stores the effect.
KEYS cursor quarantine
ARG  step
Returns cursor_passed(), advance_cursor()
]]
local queue_left = 0

-- Whether the stored cursor is not where this step starts: another subscriber was here, or the
-- store lost a tail. Of a quarantined event, whether it is the head of its queue no more: another
-- retry was here. Or the projection is being rebuilt. Then the step must not be taken.
local function cursor_passed()
  local stored = redis.call('HMGET', KEY.cursor, 'incarnation', 'position', 'rebuilding')
  if stored[3] then return true end
  if not ARG.step.member then
    return (stored[1] or '') ~= ARG.step.from_incarnation
      or tonumber(stored[2] or 0) ~= ARG.step.from_position
  end
  local queue = KEY.quarantine .. ':' .. ARG.step.member
  local head = redis.call('LINDEX', queue, 0)
  if not head then return true end
  local entry = cmsgpack.unpack(head)
  queue_left = redis.call('LLEN', queue) - 1
  return entry.position ~= ARG.step.position or entry.nonce ~= ARG.step.nonce
end

local function advance_cursor()
  if ARG.step.member then
    redis.call('LPOP', KEY.quarantine .. ':' .. ARG.step.member)
    if queue_left == 0 then redis.call('ZREM', KEY.quarantine, ARG.step.member) end
    return
  end
  redis.call('HSET', KEY.cursor, 'incarnation', ARG.step.incarnation,
    'position', ARG.step.position, 'nonce', ARG.step.nonce)
end
