--[[
read_facts: what archive said of a customer.
KEYS clock facts
ARG  customer
Returns ok{facts}
]]
-- @include clock
-- @include reply
return reply('ok', {facts = redis.call('HGET', KEY.facts, ARG.customer) or nil})
