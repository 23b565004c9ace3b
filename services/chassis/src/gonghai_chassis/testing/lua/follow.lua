--[[
follow: an effect that is stored with the cursor; for tests.
KEYS clock meta intents cursor quarantine quarantined seen
ARG  step what intent
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include intents
if cursor_passed() then return reply('stale') end
-- WRITES
write_clock()
advance_cursor()
redis.call('RPUSH', KEY.seen, ARG.what)
if ARG.intent then add_intent{id = ARG.intent, kind = 'follow', payload = ARG.what} end
return reply('ok')
