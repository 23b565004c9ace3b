--[[
forget_full: limits or policies changed, so that reps whom pool found full are to be asked again.
KEYS clock loads
ARG
Returns ok
]]
-- @include clock
-- @include reply
-- @include full
-- WRITES
write_clock()
clear_full()
return reply('ok')
