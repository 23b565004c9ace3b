--[[
write_pool: a pool is made or changed.
KEYS clock stream meta request setup pool_records tenants recompute due_recompute
ARG  fingerprint tenant seen_setup pool version record event scope trial
Returns ok{record} | moved{}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include undone
-- @include recomputation
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if (redis.call('GET', KEY.setup) or '') ~= ARG.seen_setup then return reply("moved") end
if ARG.trial then return reply("ok", {record = ARG.record}) end
-- WRITES
write_clock()
redis.call('HSET', KEY.pool_records, ARG.pool, ARG.record)
redis.call('SET', KEY.setup, ARG.nonce)
redis.call('SADD', KEY.tenants, ARG.tenant)
append_event({kind = 'pool_changed', tenant = ARG.tenant, subject = ARG.pool,
  version = ARG.version, payload = ARG.event, schema = 1})
if ARG.scope then request_recomputation(ARG.scope) end
return remember(reply("ok", {record = ARG.record}))
