--[[
extend: more time is asked for, given or denied (延期申请); the holding stays where it is.
KEYS clock stream meta request setup policy custodies customers tenants in_pool holdings quotas
  histories waiting due_clock due_reservation
ARG  fingerprint tenant ground change
Returns ok{position incarnation record} | moved{}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
local answered = remembered()
if answered then return answered end
if late() then return reply("late") end
if ground_moved() or not unmoved(ARG.change) then return reply("moved") end
-- WRITES
write_clock()
local position = write_change(ARG.change)
remember(reply("ok", {position = position, incarnation = stream_head.incarnation,
  record = ARG.change.record}))
return reply("ok", {position = position, incarnation = stream_head.incarnation})
