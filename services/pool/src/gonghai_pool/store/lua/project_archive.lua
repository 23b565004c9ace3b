--[[
project_archive: an event of the archive takes effect on a customer's custody, exactly once.
KEYS clock stream meta cursor quarantine quarantined setup policy custodies customers tenants
     in_pool holdings
  quotas histories waiting due_clock due_reservation
ARG  step tenant ground change
Returns ok{} | moved{} | stale{}
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
if cursor_passed() then return reply("stale") end
if late() then return reply("late") end
if ground_moved() or not unmoved(ARG.change) then return reply("moved") end
-- WRITES
write_clock()
advance_cursor()
write_change(ARG.change)
return reply("ok")
