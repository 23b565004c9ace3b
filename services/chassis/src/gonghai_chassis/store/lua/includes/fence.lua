--[[
fence: the check that a worker still holds the partition's lease.
KEYS lease
ARG  holder token
Returns fenced()
]]
-- The random holder id is compared too: after a fail-over the same number can be given out twice.
local function fenced()
  local stored = redis.call('HMGET', KEY.lease, 'holder', 'token')
  return stored[1] ~= ARG.holder or tonumber(stored[2] or 0) ~= ARG.token
end
