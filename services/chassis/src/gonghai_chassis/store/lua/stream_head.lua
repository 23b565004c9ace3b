--[[
stream_head: the place after the newest event.
KEYS clock stream meta
ARG
Returns ok{incarnation, position, nonce}
]]
-- @include clock
-- @include reply
local incarnation = redis.call('HGET', KEY.meta, 'incarnation') or ''
local entry = redis.call('XREVRANGE', KEY.stream, '+', '-', 'COUNT', 1)[1]
if not entry then return reply('ok', {incarnation = '', position = 0, nonce = ''}) end
local nonce
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'nonce' then nonce = entry[2][i + 1] end
end
return reply('ok', {incarnation = incarnation, nonce = nonce,
  position = tonumber(string.match(entry[1], '^(%d+)'))})
