--[[
load_policy: keeps a revision out of archive's snapshot.
KEYS clock cursor stamp document tenants due
ARG  generation tenant revision digest record recompute
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include policy
-- @include rebuild
if superseded() then return reply("stale") end
-- WRITES
write_clock()
-- Also an older one, or another of the same number: archive may have lost the one that is known.
if policy_is_another() then store_policy() end
return reply("ok")
