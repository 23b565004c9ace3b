--[[
store_progress: moves a cursor over events without effect, and keeps the watermark.
KEYS clock cursor quarantine quarantined
ARG  step through
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
local through = math.max(ARG.through, tonumber(redis.call('HGET', KEY.cursor, 'through') or 0))
-- WRITES
write_clock()
advance_cursor()
redis.call('HSET', KEY.cursor, 'through', through, 'heard', clock.real)
return reply('ok')
