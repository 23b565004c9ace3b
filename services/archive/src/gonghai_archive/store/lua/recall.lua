--[[
recall: what a request id was answered with, for a call that would be refused by now.
KEYS clock request
ARG  fingerprint
Returns none | what was remembered
]]
-- @include clock
-- @include reply
-- @include request
local answered = remembered()
if answered then return answered end
return reply("none")
