--[[
project_cool_down: keeps how long a former owner may not have a customer back, of the tenant or of a pool.
KEYS clock cursor cool_downs
ARG  step pool days
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- WRITES
write_clock()
advance_cursor()
if ARG.days and ARG.days > 0 then
  redis.call('HSET', KEY.cool_downs, ARG.pool, digits(ARG.days))
else
  redis.call('HDEL', KEY.cool_downs, ARG.pool)
end
return reply('ok')
