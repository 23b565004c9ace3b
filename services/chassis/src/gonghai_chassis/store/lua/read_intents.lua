--[[
read_intents: the oldest intents that are not answered yet, in order.
KEYS clock intents
ARG  limit
Returns ok{intents, count}
]]
-- @include clock
-- @include reply
return reply('ok', {intents = redis.call('ZRANGE', KEY.intents, 0, ARG.limit - 1),
  count = redis.call('ZCARD', KEY.intents)})
