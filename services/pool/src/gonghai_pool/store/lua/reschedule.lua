--[[
reschedule: clocks, weights and pools follow a changed policy, set-up or fact.
KEYS clock stream meta lease archive archive_quarantine staff_quarantine setup policy custodies
  customers tenants in_pool holdings quotas histories waiting due_clock due_reservation
ARG  holder token tenant ground items
Returns ok{verdicts} | moved{} | fenced{}
]]
-- @include clock
-- @include reply
-- @include fence
-- @include event
-- @include history
-- @include undone
-- @include custody
-- @include ground
-- @include frozen
-- @include sweep
if fenced() then return reply("fenced") end
if late() then return reply("late") end
if ground_moved() then return reply("moved") end
local verdicts = sweep_verdicts(false, false)
-- WRITES
write_clock()
sweep(verdicts)
return reply("ok", {verdicts = verdicts})
