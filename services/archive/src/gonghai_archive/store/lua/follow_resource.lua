--[[
follow_resource: a peer told of a pool, a rep or a team; without a record it is gone.
KEYS clock cursor quarantine quarantined resources tenants
ARG  step tenant id version record
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply("stale") end
local stored = redis.call('HGET', KEY.resources, ARG.id)
local known = stored and cmsgpack.unpack(stored).version >= ARG.version
-- WRITES
write_clock()
advance_cursor()
if not known then
  if ARG.record then
    redis.call('SADD', KEY.tenants, ARG.tenant)
    redis.call('HSET', KEY.resources, ARG.id, ARG.record)
  else
    redis.call('HDEL', KEY.resources, ARG.id)
  end
end
return reply("ok")
