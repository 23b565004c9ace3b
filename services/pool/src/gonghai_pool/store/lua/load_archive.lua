--[[
load_archive: an item of the archive's snapshot takes effect on a customer's custody.
KEYS clock stream meta cursor setup policy custodies customers tenants in_pool holdings quotas
  histories waiting due_clock due_reservation
ARG  generation tenant ground change
Returns ok{} | moved{} | stale{}
]]
-- @include clock
-- @include reply
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
-- @include rebuild
if superseded() then return reply("stale") end
if late() then return reply("late") end
if ground_moved() or not unmoved(ARG.change) then return reply("moved") end
-- WRITES
write_clock()
write_change(ARG.change)
return reply("ok")
