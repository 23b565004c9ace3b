--[[
load_custody: takes a custody out of pool's snapshot, marked with the snapshot's generation.
KEYS clock custody facts routing loads groups parked queue intents meta tenants
ARG  tenant customer custody
Returns ok{loads}
]]
-- @include clock
-- @include reply
-- @include intents
-- @include queue
-- @include loads
-- @include custody
read_custody()
local same = custody_now.version == custody_before.version
-- WRITES
write_clock()
if same then redis.call('HSET', KEY.custody, ARG.customer, cmsgpack.pack(custody_now)) end
if write_custody() then enqueue(ARG.tenant, ARG.customer) end
redis.call('SADD', KEY.tenants, ARG.tenant)
return reply('ok', {loads = write_loads()})
