--[[
finish_rebuild: puts the cursor where the snapshot was taken; what was quarantined is in it, or comes again.
KEYS clock cursor quarantine
ARG  generation incarnation position mark failed
Returns ok | stale
]]
-- @include clock
-- @include reply
if redis.call('HGET', KEY.cursor, 'rebuilding') ~= ARG.generation then return reply('stale') end
local members = redis.call('ZRANGE', KEY.quarantine, 0, -1)
-- WRITES
write_clock()
redis.call('HSET', KEY.cursor, 'incarnation', ARG.incarnation, 'position', ARG.position,
  'nonce', ARG.mark)
redis.call('HDEL', KEY.cursor, 'rebuilding')
for _, member in ipairs(members) do redis.call('UNLINK', KEY.quarantine .. ':' .. member) end
redis.call('UNLINK', KEY.quarantine)
-- Items of the snapshot that could not be taken in, each {member, entry}.
for _, item in ipairs(ARG.failed) do
  redis.call('ZADD', KEY.quarantine, 0, item[1])
  redis.call('RPUSH', KEY.quarantine .. ':' .. item[1], item[2])
end
return reply('ok')
