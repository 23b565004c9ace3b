--[[
finish_rebuild: puts the cursor where the snapshot was taken; what was quarantined is in it, or comes again.
KEYS clock cursor quarantine quarantined
ARG  generation incarnation position mark failed
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
redis.call('UNLINK', KEY.quarantine)
redis.call('UNLINK', KEY.quarantined)
-- Items of the snapshot that could not be taken in, each {member, entry}.
for place, item in ipairs(ARG.failed) do
  redis.call('ZADD', KEY.quarantine, 0, item[1])
  redis.call('ZADD', KEY.quarantined, 0,
    item[1] .. '\0' .. string.format('%012.0f', place) .. item[2])
end
return reply('ok')
