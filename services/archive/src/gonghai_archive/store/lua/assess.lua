--[[
assess: a customer was decided on anew, because time passed, the policy changed, or somebody asked.
KEYS clock stream meta request customer index history due policy line lines memberships customers
     commissions statements commission_sums undecided
ARG  fingerprint tenant customer body revision index unindex rank next_at entries valid_before
     upline downline version event commissions
Returns ok{body, created, version} | missing | moved
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include customer
-- @include decided
-- @include line
-- @include commissions
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
local head = customer_head()
if not head then return reply("missing") end
if decided_on_other(head, ARG.version) then return reply("moved") end
local version = head.version + 1
local answer = reply("ok", {body = ARG.body, created = head.created, version = version})
-- WRITES
write_clock()
store_customer(version, head.created)
store_line(head.created)
store_commissions()
if ARG.event then
  append_event{kind = "customer_changed", tenant = ARG.tenant, subject = ARG.customer,
               version = version, payload = ARG.event, schema = 1}
end
return remember(answer)
