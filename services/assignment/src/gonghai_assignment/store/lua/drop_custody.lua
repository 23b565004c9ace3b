--[[
drop_custody: forgets a custody that pool's snapshot did not have.
KEYS clock cursor custody facts loads groups parked queue tenants
ARG  tenant customer generation
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include loads
-- @include rebuild
if superseded() then return reply('stale') end
local stored = redis.call('HGET', KEY.custody, ARG.customer)
local custody = stored and cmsgpack.unpack(stored) or {generation = ARG.generation}
local facts = redis.call('HGET', KEY.facts, ARG.customer)
local group = facts and cmsgpack.unpack(facts).group or ''
local gone = custody.generation ~= ARG.generation
if gone and custody.rep then shift_load(custody.rep, -custody.weight, -1, 0, 0) end
-- WRITES
write_clock()
if gone then
  redis.call('HDEL', KEY.custody, ARG.customer)
  redis.call('ZREM', KEY.parked, ARG.customer)
  redis.call('ZREM', KEY.queue, ARG.tenant .. '/' .. ARG.customer)
  if custody.rep and group ~= '' then
    redis.call('HINCRBY', KEY.groups .. ':' .. group, custody.rep, -1)
  end
  redis.call('SADD', KEY.tenants, ARG.tenant)
end
return reply('ok', {loads = write_loads()})
