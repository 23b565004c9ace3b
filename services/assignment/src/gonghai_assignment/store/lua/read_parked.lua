--[[
read_parked: the parked customers after one of them, in the order in which they were parked.
KEYS clock parked due
ARG  tenant after limit
Returns ok{members, due}
]]
-- @include clock
-- @include reply
-- @include undone
local from = ARG.after and '(' .. digits(ARG.after) or '-inf'
return reply('ok', {
  members = redis.call('ZRANGEBYSCORE', KEY.parked, from, '+inf', 'WITHSCORES', 'LIMIT', 0,
    digits(ARG.limit)),
  due = due_at(KEY.due, ARG.tenant),
})
