--[[
ground: what a decision rests on beside the custody: the set-up, the policy, and the local day.
KEYS setup policy
ARG  ground
Returns ground_moved()
]]
-- The policy's stamp and the set-up's mark are compared as they were read. `valid_before` is the
-- midnight up to which day counts, and the counts of a day's claims, are right.
local function ground_moved()
  return (redis.call('GET', KEY.setup) or '') ~= ARG.ground.setup
    or (redis.call('GET', KEY.policy) or '') ~= ARG.ground.policy
    or (ARG.ground.valid_before ~= nil and clock.now >= ARG.ground.valid_before)
end
