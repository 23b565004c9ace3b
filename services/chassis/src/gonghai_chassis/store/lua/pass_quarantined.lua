--[[
pass_quarantined: a quarantined event turned out to have no effect; it leaves its queue.
KEYS clock cursor quarantine quarantined
ARG  step
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- WRITES
write_clock()
advance_cursor()
return reply('ok')
