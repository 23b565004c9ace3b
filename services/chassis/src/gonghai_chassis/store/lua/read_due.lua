--[[
read_due: work that is due now, oldest first, past what a sweep has left; and when the next is due.
KEYS clock due
ARG  previous left limit
Returns ok{due, left, next}
]]
-- @include clock
-- @include reply
-- The sweep goes in order, so what stands before the next batch is what it offered and was left.
local left = ARG.left
for _, member in ipairs(ARG.previous) do
  local at = redis.call('ZSCORE', KEY.due, member)
  if at and tonumber(at) <= clock.now then left = left + 1 end
end
local now = digits(clock.now)
local due = redis.call('ZRANGEBYSCORE', KEY.due, '-inf', now, 'WITHSCORES', 'LIMIT',
  left, ARG.limit)
local following = redis.call('ZRANGEBYSCORE', KEY.due, '(' .. now, '+inf', 'WITHSCORES',
  'LIMIT', 0, 1)
return reply('ok', {due = due, left = left, next = tonumber(following[2])})
