--[[
free_lease: whether a lease can be taken now.
KEYS clock lease
ARG
Returns ok{free}
]]
-- @include clock
-- @include reply
local stored = redis.call('HMGET', KEY.lease, 'holder', 'until')
return reply('ok', {free = not stored[1] or stored[1] == ''
  or tonumber(stored[2] or 0) < clock.real})
