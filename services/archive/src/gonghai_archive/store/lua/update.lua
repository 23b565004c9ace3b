--[[
update: people changed what they say about a customer.
KEYS clock stream meta request customer index history due policy line lines memberships customers
     identifiers commissions statements commission_sums undecided
ARG  fingerprint tenant customer body revision index unindex rank next_at entries valid_before
     upline downline version take free event dry commissions
Returns ok{body, created, version} | missing | duplicate{identifier, customer} | upline{problem} | moved
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
for _, identifier in ipairs(ARG.take) do
  local holder = redis.call('HGET', KEY.identifiers, identifier)
  if holder and holder ~= ARG.customer then
    return reply("duplicate", {identifier = identifier, customer = holder})
  end
end
local version = head.version + 1
if upline_problem and ARG.upline.strict then
  return reply("upline", {problem = upline_problem})
end
local answer = reply("ok", {body = ARG.body, created = head.created, version = version})
if ARG.dry then return answer end
-- WRITES
write_clock()
for _, identifier in ipairs(ARG.free) do
  redis.call('HDEL', KEY.identifiers, identifier)
end
for _, identifier in ipairs(ARG.take) do
  redis.call('HSET', KEY.identifiers, identifier, ARG.customer)
end
store_customer(version, head.created)
store_line(head.created)
store_commissions()
if ARG.event then
  append_event{kind = "customer_changed", tenant = ARG.tenant, subject = ARG.customer,
               version = version, payload = ARG.event, schema = 1}
end
return remember(answer)
