--[[
quarantine_event: an event that cannot be processed, or that waits behind one of its subject's, is kept aside.
KEYS clock cursor quarantine quarantined
ARG  step member entry behind
Returns ok | gone | stale
]]
-- @include clock
-- @include reply
-- @include cursor
if cursor_passed() then return reply('stale') end
-- A retry may have emptied the queue meanwhile: then there is nothing to wait for.
if ARG.behind and not redis.call('ZSCORE', KEY.quarantine, ARG.member) then return reply('gone') end
local last = redis.call('ZREVRANGEBYLEX', KEY.quarantined, '(' .. ARG.member .. '\1',
  '[' .. ARG.member .. '\0', 'LIMIT', 0, 1)[1]
local place = last and tonumber(string.sub(last, #ARG.member + 2, #ARG.member + 13)) + 1 or 0
local queued = ARG.member .. '\0' .. string.format('%012.0f', place) .. ARG.entry
-- WRITES
write_clock()
advance_cursor()
redis.call('ZADD', KEY.quarantine, 0, ARG.member)
redis.call('ZADD', KEY.quarantined, 0, queued)
return reply('ok')
