--[[
load_custody: takes a custody out of pool's snapshot, marked with the snapshot's generation.
KEYS clock cursor custody facts routing loads groups parked queue intents meta tenants
ARG  generation tenant customer custody
Returns ok{loads} | stale
]]
-- @include clock
-- @include reply
-- @include answered
-- @include queue
-- @include loads
-- @include custody
-- @include rebuild
if superseded() then return reply('stale') end
replace_custody()
-- WRITES
write_clock()
if write_custody() then enqueue(ARG.tenant, ARG.customer) end
redis.call('SADD', KEY.tenants, ARG.tenant)
return reply('ok', {loads = write_loads()})
