--[[
load_resource: a pool, rep or team out of a peer's snapshot.
KEYS clock resources tenants
ARG  tenant id record
Returns ok
]]
-- @include clock
-- @include reply
-- WRITES
write_clock()
redis.call('SADD', KEY.tenants, ARG.tenant)
redis.call('HSET', KEY.resources, ARG.id, ARG.record)
return reply("ok")
