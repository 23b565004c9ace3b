--[[
read_intents: the oldest intents that are not answered yet, in order.
KEYS clock intents
ARG  limit
Returns ok{intents}
]]
-- @include clock
-- @include reply
return reply('ok', {intents = redis.call('ZRANGE', KEY.intents, 0, ARG.limit - 1)})
