--[[
recall: the answer that a request got before.
KEYS clock request
ARG  fingerprint
Returns ok{term, rep, detail} | new | reused
]]
-- @include clock
-- @include reply
-- @include request
return remembered() or reply('new')
