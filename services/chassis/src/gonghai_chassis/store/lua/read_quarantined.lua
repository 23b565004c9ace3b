--[[
read_quarantined: the event at the head of a subject's queue, and how many there are.
KEYS clock quarantine
ARG  member
Returns ok{entry, count}
]]
-- @include clock
-- @include reply
local queue = KEY.quarantine .. ':' .. ARG.member
return reply('ok', {entry = redis.call('LINDEX', queue, 0) or nil, count = redis.call('LLEN', queue)})
