--[[
load_cool_down: keeps a cool-down out of pool's snapshot.
KEYS clock cool_downs
ARG  pool days
Returns ok
]]
-- @include clock
-- @include reply
-- WRITES
write_clock()
if ARG.days and ARG.days > 0 then
  redis.call('HSET', KEY.cool_downs, ARG.pool, digits(ARG.days))
else
  redis.call('HDEL', KEY.cool_downs, ARG.pool)
end
return reply('ok')
