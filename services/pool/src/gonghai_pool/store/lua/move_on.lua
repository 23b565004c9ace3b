--[[
move_on: customers whom nobody took go on to their next pool, once the archive is heard out.
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
local verdicts = sweep_verdicts(true, true)
-- WRITES
write_clock()
sweep(verdicts)
return reply("ok", {verdicts = verdicts})
