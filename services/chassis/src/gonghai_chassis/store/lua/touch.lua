--[[
touch: writes the time, so that replicas can be asked whether they have all that came before.
KEYS clock
ARG
Returns ok
]]
-- @include clock
-- @include reply
local answer = reply('ok')
-- WRITES
write_clock()
return answer
