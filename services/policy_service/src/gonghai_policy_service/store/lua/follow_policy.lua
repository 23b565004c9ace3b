--[[
follow_policy: keeps a revision that archive published, with the cursor that passes it.
KEYS clock cursor quarantine quarantined stamp document tenants due
ARG  step tenant revision digest record recompute
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include policy
if cursor_passed() then return reply("stale") end
-- WRITES
write_clock()
advance_cursor()
-- One of the same number and another content comes where archive lost the one that is known.
if ARG.revision >= policy_revision and policy_is_another() then store_policy() end
return reply("ok")
