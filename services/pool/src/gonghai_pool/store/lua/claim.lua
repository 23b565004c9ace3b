--[[
claim: a rep takes a customer out of a pool (领取), or learns of everything that stands in his way.
KEYS clock stream meta request archive_quarantine staff_quarantine setup policy custodies customers
  tenants in_pool holdings quotas claims histories waiting due_clock due_reservation
ARG  fingerprint tenant ground change limits blocked trial
Returns ok{position incarnation record} | moved{} | refused{limits frozen}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
-- @include claim_limits
-- @include frozen
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if ground_moved() or not unmoved(ARG.change) then return reply("moved") end
local reached = limits_reached(ARG.limits, ARG.change)
local frozen = customer_frozen(ARG.change.customer)
if ARG.blocked or frozen or #reached > 0 then
  return reply("refused", {limits = reached, frozen = frozen})
end
if ARG.trial then return reply("ok") end
-- WRITES
write_clock()
local position = write_change(ARG.change)
count_claim(ARG.limits, ARG.change)
local place = {position = position, incarnation = stream_head.incarnation}
remember(reply("ok", {position = position, incarnation = stream_head.incarnation,
  record = ARG.change.record}))
return reply("ok", place)
