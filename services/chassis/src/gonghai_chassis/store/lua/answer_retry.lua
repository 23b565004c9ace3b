--[[
answer_retry: a retry that was asked for is done; what it did is kept for a while.
KEYS clock asked answer
ARG  member token processed
Returns ok | stale
]]
-- @include clock
-- @include reply
if redis.call('HGET', KEY.asked, ARG.member) ~= ARG.token then return reply('stale') end
-- WRITES
write_clock()
redis.call('HDEL', KEY.asked, ARG.member)
redis.call('SET', KEY.answer, ARG.processed, 'PX', 600000)
return reply('ok')
