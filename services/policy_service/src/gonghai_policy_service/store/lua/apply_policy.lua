--[[
apply_policy: a document becomes the tenant's next revision.
KEYS clock stream meta request stamp document tenants due revisions
ARG  fingerprint tenant base_revision revision digest record recompute event
Returns ok{record} | moved{} | outdated{revision}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include history
-- @include policy
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if ARG.base_revision > 0 and ARG.base_revision ~= policy_revision then
  return reply("outdated", {revision = policy_revision})
end
if ARG.revision ~= policy_revision + 1 then return reply("moved") end
-- WRITES
write_clock()
store_policy()
append_history(KEY.revisions, ARG.record)
append_event{kind = "policy_applied", tenant = ARG.tenant, subject = ARG.tenant,
             version = ARG.revision, payload = ARG.event, schema = 1}
return remember(reply("ok", {record = ARG.record}))
