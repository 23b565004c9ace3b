--[[
note_retry: a quarantined event failed again; why, and how often, is kept with it.
KEYS clock cursor quarantine
ARG  step entry
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- WRITES
write_clock()
redis.call('LSET', KEY.quarantine .. ':' .. ARG.step.member, 0, ARG.entry)
return reply('ok')
