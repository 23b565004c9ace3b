--[[
register_replica: says that a replica is alive (or leaves), and hears how many are, and its place.
KEYS clock replicas
ARG  holder ttl leave
Returns ok{alive, place}: `place` is how many of them come before it by id
]]
-- @include clock
-- @include reply
local alive, place, known = 0, 0, false
for _, holder in ipairs(redis.call('ZRANGEBYSCORE', KEY.replicas, clock.real, '+inf')) do
  alive = alive + 1
  if holder < ARG.holder then place = place + 1 end
  known = known or holder == ARG.holder
end
if ARG.leave then
  if known then alive = alive - 1 end
elseif not known then
  alive = alive + 1
end
-- WRITES
write_clock()
redis.call('ZREMRANGEBYSCORE', KEY.replicas, '-inf', '(' .. digits(clock.real))
if ARG.leave then
  redis.call('ZREM', KEY.replicas, ARG.holder)
else
  redis.call('ZADD', KEY.replicas, clock.real + ARG.ttl, ARG.holder)
end
return reply('ok', {alive = alive, place = place})
