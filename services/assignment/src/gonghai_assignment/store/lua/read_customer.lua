--[[
read_customer: what is known of a customer when it is to be routed, and how it was routed last.
KEYS clock custody facts routing groups cool_downs policy
ARG  customer
Returns ok{custody, facts, routing, group, cool_downs, policy}
]]
-- @include clock
-- @include reply
local facts = redis.call('HGET', KEY.facts, ARG.customer) or nil
local group = facts and cmsgpack.unpack(facts).group or ''
return reply('ok', {
  custody = redis.call('HGET', KEY.custody, ARG.customer) or nil,
  facts = facts,
  routing = redis.call('HGET', KEY.routing, ARG.customer) or nil,
  group = group ~= '' and redis.call('HGETALL', KEY.groups .. ':' .. group) or nil,
  cool_downs = redis.call('HGETALL', KEY.cool_downs),
  policy = redis.call('GET', KEY.policy) or nil,
})
