--[[
decided: whether what a command decided on is still so.
KEYS policy
ARG  revision valid_before
Returns decided_on_other(head, version)
]]
-- A day has begun, the tenant's policy is another one, or the record moved: decide again.
local function decided_on_other(head, version)
  if ARG.valid_before and clock.now >= ARG.valid_before then return true end
  if version and head.version ~= version then return true end
  local stamp = redis.call('GET', KEY.policy)
  local revision = stamp and cmsgpack.unpack(stamp).revision or 0
  return revision ~= ARG.revision
end
