--[[
read_parked: the parked customers after a place, in the order in which they were parked.
KEYS clock parked
ARG  after limit
Returns ok{members}
]]
-- @include clock
-- @include reply
local from = ARG.after and '(' .. digits(ARG.after) or '-inf'
return reply('ok', {members = redis.call('ZRANGEBYSCORE', KEY.parked, from, '+inf', 'WITHSCORES',
  'LIMIT', 0, digits(ARG.limit))})
