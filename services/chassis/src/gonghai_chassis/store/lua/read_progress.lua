--[[
read_progress: how far a source was followed.
KEYS clock cursor quarantine
ARG
Returns ok{incarnation, position, nonce, through, rebuilding, quarantined}
]]
-- @include clock
-- @include reply
local stored = redis.call('HMGET', KEY.cursor, 'incarnation', 'position', 'nonce', 'through',
  'rebuilding')
return reply('ok', {incarnation = stored[1] or '', position = tonumber(stored[2] or 0),
  nonce = stored[3] or '', through = tonumber(stored[4] or 0), rebuilding = stored[5] or '',
  quarantined = redis.call('ZCARD', KEY.quarantine)})
