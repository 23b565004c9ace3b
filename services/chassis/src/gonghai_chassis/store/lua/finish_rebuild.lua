--[[
finish_rebuild: puts the cursor where the snapshot was taken.
KEYS clock cursor
ARG  generation incarnation position mark
Returns ok | stale
]]
-- @include clock
-- @include reply
if redis.call('HGET', KEY.cursor, 'rebuilding') ~= ARG.generation then return reply('stale') end
-- WRITES
write_clock()
redis.call('HSET', KEY.cursor, 'incarnation', ARG.incarnation, 'position', ARG.position,
  'nonce', ARG.mark)
redis.call('HDEL', KEY.cursor, 'rebuilding')
return reply('ok')
