--[[
record: activities of a customer, and what they make of it.
KEYS clock stream meta request customer index history due policy line lines memberships customers
     activities commissions statements commission_sums undecided
ARG  fingerprint tenant customer body revision index unindex rank next_at entries valid_before
     upline downline version recorded event commissions
Returns ok{time} | missing | moved
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include customer
-- @include decided
-- @include line
-- @include commissions
-- @include stamped
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
local head = customer_head()
if not head then return reply("missing") end
if decided_on_other(head, ARG.version) then return reply("moved") end
local time = event_time(clock.now)
local rows = {}
for i, activity in ipairs(ARG.recorded) do rows[i] = cmsgpack.pack(time) .. activity.row end
-- Up to here a whole new string costs less than the room that APPEND leaves behind each.
local whole = redis.call('STRLEN', KEY.activities) < 65536
if whole then table.insert(rows, 1, redis.call('GET', KEY.activities) or '') end
local version = head.version + 1
local answer = reply("ok", {time = time})
-- WRITES
write_clock()
if whole then
  redis.call('SET', KEY.activities, table.concat(rows))
else
  redis.call('APPEND', KEY.activities, table.concat(rows))
end
store_customer(version, head.created)
store_line(head.created)
store_commissions()
for _, activity in ipairs(ARG.recorded) do
  append_event{kind = "activity_recorded", tenant = ARG.tenant, subject = ARG.customer,
               version = version, payload = with_time(activity.event, 5, time), schema = 1}
end
if ARG.event then
  append_event{kind = "customer_changed", tenant = ARG.tenant, subject = ARG.customer,
               version = version, payload = ARG.event, schema = 1}
end
return remember(answer)
