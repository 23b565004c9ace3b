--[[
load_customer: takes a customer out of archive's snapshot, marked with the snapshot's generation.
KEYS clock cursor facts custody groups parked tenants
ARG  generation tenant customer version group record
Returns ok{news, parked} | stale
]]
-- @include clock
-- @include reply
-- @include facts
-- @include rebuild
if superseded() then return reply('stale') end
-- WRITES
write_clock()
write_facts()
redis.call('SADD', KEY.tenants, ARG.tenant)
return reply('ok', {news = facts_are_news, parked = facts_parked})
