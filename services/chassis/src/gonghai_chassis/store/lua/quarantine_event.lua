--[[
quarantine_event: an event that cannot be processed, or that waits behind one of its subject's, is kept aside.
KEYS clock cursor quarantine
ARG  step member entry behind
Returns ok | gone | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- A retry may have emptied the queue meanwhile: then there is nothing to wait for.
if ARG.behind and not redis.call('ZSCORE', KEY.quarantine, ARG.member) then return reply('gone') end
-- WRITES
write_clock()
advance_cursor()
redis.call('ZADD', KEY.quarantine, 0, ARG.member)
redis.call('RPUSH', KEY.quarantine .. ':' .. ARG.member, ARG.entry)
return reply('ok')
