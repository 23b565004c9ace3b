--[[
delete_pool: a pool that no customer is in, is offered from, or is to go on to, goes.
KEYS clock stream meta request setup pool_records in_pool
ARG  fingerprint tenant seen_setup pool version event
Returns ok{} | moved{} | in_use{customers offered coming}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if (redis.call('GET', KEY.setup) or '') ~= ARG.seen_setup then return reply("moved") end
local function listed(list)
  return redis.call('ZCARD', KEY.in_pool .. ':' .. ARG.pool .. ':' .. list)
end
local customers, offered, coming = listed('time'), listed('offered'), listed('coming')
if customers + offered + coming > 0 then
  return reply("in_use", {customers = customers, offered = offered, coming = coming})
end
-- WRITES
write_clock()
redis.call('HDEL', KEY.pool_records, ARG.pool)
redis.call('SET', KEY.setup, ARG.nonce)
append_event({kind = 'pool_deleted', tenant = ARG.tenant, subject = ARG.pool,
  version = ARG.version, payload = ARG.event, schema = 1})
return remember(reply("ok"))
