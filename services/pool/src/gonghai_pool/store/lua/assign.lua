--[[
assign: a customer in a pool is given to a holder (分配), whose holding limit counts.
KEYS clock stream meta request setup policy custodies customers tenants in_pool holdings quotas
  histories waiting due_clock due_reservation
ARG  fingerprint tenant ground change limit
Returns ok{position incarnation record} | moved{} | refused{limits}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
-- @include holding_limit
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if ground_moved() or not unmoved(ARG.change) then return reply("moved") end
local reached = holding_limit_reached(ARG.change)
if reached then return reply("refused", {limits = {reached}}) end
-- WRITES
write_clock()
local position = write_change(ARG.change)
remember(reply("ok", {position = position, incarnation = stream_head.incarnation,
  record = ARG.change.record}))
return reply("ok", {position = position, incarnation = stream_head.incarnation})
