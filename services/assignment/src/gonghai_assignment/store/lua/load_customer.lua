--[[
load_customer: takes a customer out of archive's snapshot, marked with the snapshot's generation.
KEYS clock facts custody groups parked tenants
ARG  tenant customer version group record
Returns ok
]]
-- @include clock
-- @include reply
-- @include facts
-- WRITES
write_clock()
-- An equal version is stored too: its record carries the generation.
write_facts()
redis.call('SADD', KEY.tenants, ARG.tenant)
return reply('ok', {news = facts_are_news, parked = facts_parked})
