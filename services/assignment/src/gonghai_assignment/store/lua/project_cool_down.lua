--[[
project_cool_down: keeps how long a former owner may not have a customer back, of the tenant or of a pool.
KEYS clock cursor quarantine quarantined cool_downs loads parked due
ARG  step tenant pool days
Returns ok{retry} | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include undone
-- @include full
if cursor_passed() then return reply('stale') end
local retry = redis.call('ZCARD', KEY.parked) > 0
-- WRITES
write_clock()
advance_cursor()
if ARG.days and ARG.days > 0 then
  redis.call('HSET', KEY.cool_downs, ARG.pool, digits(ARG.days))
else
  redis.call('HDEL', KEY.cool_downs, ARG.pool)
end
-- The same event may have changed how much reps may hold.
clear_full()
if retry then set_due(KEY.due, ARG.tenant, clock.now) end
return reply('ok', {retry = retry})
