--[[
read_clock: the domain clock, and the next work of any area after it.
KEYS clock dues
ARG
Returns ok{frozen, next}
]]
-- @include clock
-- @include reply
local following
for _, key in ipairs(redis.call('SMEMBERS', KEY.dues)) do
  local found = redis.call('ZRANGEBYSCORE', key, '(' .. digits(clock.now), '+inf', 'WITHSCORES',
    'LIMIT', 0, 1)
  if found[2] and (not following or tonumber(found[2]) < following) then
    following = tonumber(found[2])
  end
end
return reply('ok', {frozen = clock.frozen, next = following})
