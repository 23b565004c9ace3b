--[[
project_custody: takes in what pool said of a customer; one that is in a pool is put up for routing.
KEYS clock cursor quarantine quarantined custody facts routing loads groups parked queue intents
     meta tenants due
ARG  step tenant customer custody
Returns ok{news, open, loads, retry} | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include answered
-- @include undone
-- @include queue
-- @include loads
-- @include custody
if cursor_passed() then return reply('stale') end
read_custody()
local retry = load_falls() and redis.call('ZCARD', KEY.parked) > 0
-- WRITES
write_clock()
advance_cursor()
local open = write_custody()
if open then enqueue(ARG.tenant, ARG.customer) end
if custody_is_news then redis.call('SADD', KEY.tenants, ARG.tenant) end
if retry then set_due(KEY.due, ARG.tenant, clock.now) end
return reply('ok', {news = custody_is_news, open = open, loads = write_loads(), retry = retry})
