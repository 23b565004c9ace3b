--[[
enter: takes in that a customer whom nobody had entered a pool, and what was decided about it, in one step.
KEYS clock stream meta cursor quarantine quarantined custody facts routing roster loads groups
     parked queue intents tenants due
ARG  step tenant customer custody term facts_version roster_version loads_version valid_from
     valid_before routing intent event retry_at turn turn_clock
Returns ok{seq, loads} | moved | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include event
-- @include intents
-- @include answered
-- @include undone
-- @include queue
-- @include loads
-- @include custody
-- @include versions
-- @include taking
if cursor_passed() then return reply('stale') end
read_custody()
-- Whatever is not as plain as this is taken in first and decided on afterwards.
if not custody_is_news or custody_before.version ~= 0 or choice_before ~= nil
    or versions_moved(custody_now) then
  return reply('moved')
end
-- WRITES
write_clock()
advance_cursor()
write_custody()
redis.call('SADD', KEY.tenants, ARG.tenant)
local seq = take_choice(custody_now)
return reply('ok', {seq = seq, loads = write_loads()})
