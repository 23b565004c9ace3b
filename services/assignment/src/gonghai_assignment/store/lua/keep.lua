--[[
keep: makes a region, team or rep, or changes it; what is parked is tried again with it.
KEYS clock stream meta request items roster loads tenants parked due
ARG  fingerprint tenant id kind expected version record event
Returns ok{record} | exists | missing | moved | reused
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include undone
local answered = remembered()
if answered then return answered end
if late() then return reply('late') end
local stored = redis.call('HGET', KEY.items, ARG.id)
if ARG.expected == nil and stored then return reply('exists') end
if ARG.expected ~= nil then
  if not stored then return reply('missing') end
  if cmsgpack.unpack(stored).version ~= ARG.expected then return reply('moved') end
end
local retry = redis.call('ZCARD', KEY.parked) > 0
-- WRITES
write_clock()
redis.call('HSET', KEY.items, ARG.id, ARG.record)
redis.call('HINCRBY', KEY.roster, 'version', 1)
redis.call('HDEL', KEY.loads, 'full:' .. ARG.id)
redis.call('SADD', KEY.tenants, ARG.tenant)
if retry then set_due(KEY.due, ARG.tenant, clock.now) end
append_event{kind = ARG.kind, tenant = ARG.tenant, subject = ARG.id, version = ARG.version,
  payload = ARG.event, schema = 1}
return remember(reply('ok', {record = ARG.record}))
