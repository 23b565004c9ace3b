--[[
follow_custody: pool told of a change of custody.
KEYS clock cursor quarantine quarantined custody customer index tenants
ARG  step tenant customer version record terms
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include custody
if cursor_passed() then return reply("stale") end
local known = custody_known()
-- WRITES
write_clock()
advance_cursor()
if not known then store_custody() end
return reply("ok")
