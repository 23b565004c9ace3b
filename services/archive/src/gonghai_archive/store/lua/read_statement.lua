--[[
read_statement: a customer's statement of a month: some lines in the order in which they were booked,
what all of them add up to, and how many orders it waits for.
KEYS clock customer statement commission_sums undecided
ARG  period month start limit
Returns ok{lines, count, earned, taken_back, undecided} | missing
]]
-- @include clock
-- @include reply
if redis.call('EXISTS', KEY.customer) == 0 then return reply("missing") end
local sums = redis.call('HMGET', KEY.commission_sums, ARG.period .. ':earned',
                        ARG.period .. ':taken_back')
return reply("ok", {
  lines = redis.call('LRANGE', KEY.statement, ARG.start, ARG.start + ARG.limit - 1),
  count = redis.call('LLEN', KEY.statement),
  earned = tonumber(sums[1] or 0), taken_back = tonumber(sums[2] or 0),
  undecided = redis.call('ZCOUNT', KEY.undecided, ARG.month, ARG.month),
})
