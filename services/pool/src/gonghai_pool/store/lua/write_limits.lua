--[[
write_limits: a tenant's limits change.
KEYS clock stream meta request setup limits tenants recompute due_recompute
ARG  fingerprint tenant seen_setup version record event scope
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
-- WRITES
write_clock()
redis.call('SET', KEY.limits, ARG.record)
redis.call('SET', KEY.setup, ARG.nonce)
redis.call('SADD', KEY.tenants, ARG.tenant)
append_event({kind = 'limits_changed', tenant = ARG.tenant, subject = ARG.tenant,
  version = ARG.version, payload = ARG.event, schema = 1})
if ARG.scope then request_recomputation(ARG.scope) end
return remember(reply("ok", {record = ARG.record}))
