--[[
read_queue: the first customers that wait to be routed.
KEYS clock queue
ARG  limit
Returns ok{members}
]]
-- @include clock
-- @include reply
return reply('ok', {members = redis.call('ZRANGE', KEY.queue, 0, digits(ARG.limit - 1))})
