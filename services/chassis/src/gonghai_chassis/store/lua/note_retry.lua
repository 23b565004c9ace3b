--[[
note_retry: a quarantined event failed again; why, and how often, is kept with it.
KEYS clock cursor quarantine quarantined
ARG  step entry
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- WRITES
write_clock()
redis.call('ZREM', KEY.quarantined, queue_head)
redis.call('ZADD', KEY.quarantined, 0, string.sub(queue_head, 1, #ARG.step.member + 13) .. ARG.entry)
return reply('ok')
