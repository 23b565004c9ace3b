--[[
cursor: how far a source's stream was followed, moved in the step that stores the effect.
KEYS cursor
ARG  step
Returns cursor_passed(), advance_cursor()
]]
-- Whether the stored cursor is not where this step starts: another subscriber was here, or the
-- store lost a tail. Either way the step must not be taken.
local function cursor_passed()
  local stored = redis.call('HMGET', KEY.cursor, 'incarnation', 'position')
  return (stored[1] or '') ~= ARG.step.from_incarnation
    or tonumber(stored[2] or 0) ~= ARG.step.from_position
end

local function advance_cursor()
  redis.call('HSET', KEY.cursor, 'incarnation', ARG.step.incarnation,
    'position', ARG.step.position, 'nonce', ARG.step.nonce)
end
