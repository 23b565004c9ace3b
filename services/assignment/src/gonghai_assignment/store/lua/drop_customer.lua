--[[
drop_customer: forgets a customer that archive's snapshot did not have.
KEYS clock cursor facts
ARG  customer generation
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply('stale') end
local stored = redis.call('HGET', KEY.facts, ARG.customer)
local gone = stored and cmsgpack.unpack(stored).generation ~= ARG.generation
-- WRITES
write_clock()
if gone then redis.call('HDEL', KEY.facts, ARG.customer) end
return reply('ok')
