--[[
complete_intent: drops an intent that was answered; another one that was given its number stays.
KEYS clock intents
ARG  seq intent_id
Returns ok
]]
-- @include clock
-- @include reply
-- @include answered
local found = find_intent(ARG.seq, ARG.intent_id)
local answer = reply('ok')
-- WRITES
complete_intent(found)
return answer
