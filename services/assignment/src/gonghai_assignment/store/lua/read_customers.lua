--[[
read_customers: what is known of customers that are to be routed, and how each was routed last.
KEYS clock custody facts routing groups cool_downs policy
ARG  customers
Returns ok{entries, cool_downs, policy}
]]
-- @include clock
-- @include reply
local entries = {}
for place, customer in ipairs(ARG.customers) do
  local facts = redis.call('HGET', KEY.facts, customer) or nil
  local group = facts and cmsgpack.unpack(facts).group or ''
  entries[place] = {
    customer = customer,
    custody = redis.call('HGET', KEY.custody, customer) or nil,
    facts = facts,
    routing = redis.call('HGET', KEY.routing, customer) or nil,
    group = group ~= '' and redis.call('HGETALL', KEY.groups .. ':' .. group) or nil,
  }
end
return reply('ok', {
  entries = entries,
  cool_downs = redis.call('HGETALL', KEY.cool_downs),
  policy = redis.call('GET', KEY.policy) or nil,
})
