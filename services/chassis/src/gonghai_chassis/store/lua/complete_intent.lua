--[[
complete_intent: drops an intent that was answered.
KEYS clock intents
ARG  seq
Returns ok
]]
-- @include clock
-- @include reply
local answer = reply('ok')
-- WRITES
redis.call('ZREMRANGEBYSCORE', KEY.intents, ARG.seq, ARG.seq)
return answer
