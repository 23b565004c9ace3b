--[[
create: a customer is made, and its identifiers are its own from then on.
KEYS clock stream meta request customer index history due policy line lines memberships customers
     identifiers tenants
ARG  fingerprint tenant customer body revision index unindex rank next_at entries valid_before
     upline downline take event dry
Returns ok{body, created} | exists | duplicate{identifier, customer} | upline{problem} | moved
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include customer
-- @include decided
-- @include line
-- @include stamped
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if customer_head() then return reply("exists") end
for _, identifier in ipairs(ARG.take) do
  local holder = redis.call('HGET', KEY.identifiers, identifier)
  if holder then return reply("duplicate", {identifier = identifier, customer = holder}) end
end
if decided_on_other() then return reply("moved") end
if upline_problem and ARG.upline.strict then
  return reply("upline", {problem = upline_problem})
end
local answer = reply("ok", {body = ARG.body, created = clock.now})
if ARG.dry then return answer end
-- WRITES
write_clock()
redis.call('SADD', KEY.tenants, ARG.tenant)
for _, identifier in ipairs(ARG.take) do
  redis.call('HSET', KEY.identifiers, identifier, ARG.customer)
end
store_customer(1, clock.now)
store_line(clock.now)
append_event{kind = "customer_changed", tenant = ARG.tenant, subject = ARG.customer,
             version = 1, payload = with_time(ARG.event, 18, clock.now), schema = 1}
return remember(answer)
