--[[
load_resource: a pool, rep or team out of a peer's snapshot.
KEYS clock cursor resources tenants
ARG  generation tenant id record
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply("stale") end
-- WRITES
write_clock()
redis.call('SADD', KEY.tenants, ARG.tenant)
redis.call('HSET', KEY.resources, ARG.id, ARG.record)
return reply("ok")
