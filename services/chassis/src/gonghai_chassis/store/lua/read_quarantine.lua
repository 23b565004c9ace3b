--[[
read_quarantine: how many subjects are quarantined, some of them by name, and which are to be retried.
KEYS clock quarantine asked
ARG  after limit
Returns ok{subjects, members, asked}
]]
-- @include clock
-- @include reply
return reply('ok', {
  subjects = redis.call('ZCARD', KEY.quarantine),
  members = redis.call('ZRANGEBYLEX', KEY.quarantine, '(' .. ARG.after, '+', 'LIMIT', 0, ARG.limit),
  asked = redis.call('HGETALL', KEY.asked),
})
