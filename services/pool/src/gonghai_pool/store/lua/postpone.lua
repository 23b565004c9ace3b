--[[
postpone: a piece of time-driven work that fails is tried again later, so that it holds up no other.
KEYS clock lease due
ARG  holder token member at
Returns ok{} | fenced{}
]]
-- @include clock
-- @include reply
-- @include fence
-- @include undone
if fenced() then return reply("fenced") end
local due = due_at(KEY.due, ARG.member)
-- WRITES
write_clock()
if due then set_due(KEY.due, ARG.member, ARG.at) end
return reply("ok")
