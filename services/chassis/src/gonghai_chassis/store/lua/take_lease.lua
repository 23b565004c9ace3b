--[[
take_lease: takes a free lease, or renews one's own.
KEYS clock lease
ARG  holder token ttl
Returns ok{token} | held
]]
-- @include clock
-- @include reply
local stored = redis.call('HMGET', KEY.lease, 'holder', 'token', 'until')
local token = tonumber(stored[2] or 0)
local mine = stored[1] == ARG.holder and token == ARG.token
local free = not stored[1] or stored[1] == '' or tonumber(stored[3] or 0) < clock.real
if not mine and not free then return reply('held') end
if late() then return reply('late') end
-- A lease that ran out is taken anew even by its former holder: somebody may have had it between.
if not mine then token = token + 1 end
-- WRITES
write_clock()
redis.call('HSET', KEY.lease, 'holder', ARG.holder, 'token', token,
  'until', clock.real + ARG.ttl)
return reply('ok', {token = token})
