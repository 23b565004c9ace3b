--[[
load_cool_down: keeps a cool-down out of pool's snapshot.
KEYS clock cursor cool_downs
ARG  generation pool days
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply('stale') end
-- WRITES
write_clock()
if ARG.days and ARG.days > 0 then
  redis.call('HSET', KEY.cool_downs, ARG.pool, digits(ARG.days))
else
  redis.call('HDEL', KEY.cool_downs, ARG.pool)
end
return reply('ok')
