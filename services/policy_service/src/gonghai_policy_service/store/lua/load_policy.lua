--[[
load_policy: keeps a revision out of archive's snapshot.
KEYS clock stamp document tenants due
ARG  tenant revision digest record recompute
Returns ok
]]
-- @include clock
-- @include reply
-- @include policy
-- WRITES
write_clock()
if ARG.revision > policy_revision then store_policy() end
return reply("ok")
