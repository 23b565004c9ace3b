--[[
load_custody: a custody out of pool's snapshot takes the place of the one that is known.
KEYS clock cursor custody customer index tenants
ARG  generation tenant customer version record terms
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include custody
-- @include rebuild
if superseded() then return reply("stale") end
-- WRITES
write_clock()
store_custody()
return reply("ok")
