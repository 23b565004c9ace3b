--[[
finish_recompute: all records of a tenant were decided by a revision; done unless there is a newer.
KEYS clock stamp due
ARG  tenant revision
Returns done | newer
]]
-- @include clock
-- @include reply
local stored = redis.call('GET', KEY.stamp)
if stored and cmsgpack.unpack(stored).revision > ARG.revision then return reply("newer") end
-- WRITES
write_clock()
redis.call('ZREM', KEY.due, ARG.tenant)
return reply("done")
