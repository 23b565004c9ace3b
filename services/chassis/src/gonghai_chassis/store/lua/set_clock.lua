--[[
set_clock: moves domain time forward, to stand still there or to run on; dev mode only.
KEYS clock dues
ARG  now frozen
Returns ok{now, due}: due counts the work of all areas that falls due on the way
]]
-- @include clock
-- @include reply
-- It never goes back, not even by the moment that has passed since the caller looked.
local before, after = clock.now, math.max(ARG.now or clock.now, clock.now)
local due = 0
for _, key in ipairs(redis.call('SMEMBERS', KEY.dues)) do
  due = due + redis.call('ZCOUNT', key, '(' .. digits(before), after)
end
clock.now = after
local answer = reply('ok', {now = after, due = due})
-- WRITES
write_clock()
redis.call('HSET', KEY.clock, 'offset', after - clock.real)
if ARG.frozen then
  redis.call('HSET', KEY.clock, 'frozen', after)
else
  redis.call('HDEL', KEY.clock, 'frozen')
end
redis.call('PUBLISH', 'gh:wake:clock', string.match(KEY.clock, '^gh:{p(%d+)}:'))
return answer
