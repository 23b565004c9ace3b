--[[
recomputation: records that are to be gone over, because what they were decided by has changed.
KEYS recompute due_recompute
ARG  tenant
Returns request_recomputation(scope)
]]
-- Starts it anew where it is under way.
local function request_recomputation(scope)
  local member = ARG.tenant .. '/' .. scope
  redis.call('HSET', KEY.recompute, member, ARG.nonce .. '|')
  set_due(KEY.due_recompute, member, clock.now)
end
