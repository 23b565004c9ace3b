--[[
read_scorecard: what a customer's scorecard of a month is made from, but for the orders of its second
level: its record, history, orders, the sums of its statement, and who came below it and left.
KEYS clock policy customer history activities commissions memberships commission_sums statement
     undecided
ARG  period month
Returns ok{stamp, record, history, activities, terms, memberships, count, earned, taken_back,
        undecided} | missing
]]
-- @include clock
-- @include reply
local record = redis.call('GET', KEY.customer)
if not record then return reply("missing") end
local sums = redis.call('HMGET', KEY.commission_sums, ARG.period .. ':earned',
                        ARG.period .. ':taken_back')
return reply("ok", {
  stamp = redis.call('GET', KEY.policy) or nil,
  record = record,
  history = redis.call('LRANGE', KEY.history, 0, -1),
  activities = redis.call('GET', KEY.activities) or nil,
  terms = redis.call('GET', KEY.commissions) or nil,
  memberships = redis.call('LRANGE', KEY.memberships, 0, -1),
  count = redis.call('LLEN', KEY.statement),
  earned = tonumber(sums[1] or 0), taken_back = tonumber(sums[2] or 0),
  undecided = redis.call('ZCOUNT', KEY.undecided, ARG.month, ARG.month),
})
