--[[
project_customer: takes in what archive said of a customer; a parked one is tried again.
KEYS clock cursor quarantine quarantined facts custody groups parked tenants due
ARG  step tenant customer version group record
Returns ok{news, retry} | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include undone
-- @include facts
if cursor_passed() then return reply('stale') end
local retry = facts_are_news and facts_parked
-- WRITES
write_clock()
advance_cursor()
if facts_are_news then
  write_facts()
  redis.call('SADD', KEY.tenants, ARG.tenant)
end
if retry then set_due(KEY.due, ARG.tenant, clock.now) end
return reply('ok', {news = facts_are_news, retry = retry})
