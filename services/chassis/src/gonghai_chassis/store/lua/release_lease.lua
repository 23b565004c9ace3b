--[[
release_lease: gives a lease back, if it is still one's own.
KEYS clock lease
ARG  holder token
Returns ok | fenced
]]
-- @include clock
-- @include reply
-- @include fence
if fenced() then return reply('fenced') end
-- WRITES
write_clock()
redis.call('HSET', KEY.lease, 'holder', '', 'until', 0)
return reply('ok')
