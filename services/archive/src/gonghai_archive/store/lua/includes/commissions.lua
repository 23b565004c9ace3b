--[[
commissions: by what a customer's orders pay, the lines of the statements that come of it, and the
orders for which statements wait.
KEYS commissions statements commission_sums undecided
ARG  commissions
Returns store_commissions()
]]
local function store_commissions()
  if not ARG.commissions then return end
  if ARG.commissions.terms ~= '' then
    redis.call('APPEND', KEY.commissions, ARG.commissions.terms)
  end
  for _, entry in ipairs(ARG.commissions.entries) do
    redis.call('RPUSH', KEY.statements .. ':' .. entry.statement,
               cmsgpack.pack(clock.now) .. entry.row)
    redis.call('HINCRBY', KEY.commission_sums .. ':' .. entry.beneficiary, entry.field,
               entry.amount)
  end
  for _, waits in ipairs(ARG.commissions.waits) do
    redis.call('ZADD', KEY.undecided .. ':' .. waits.beneficiary, waits.month, waits.order)
  end
  for _, settled in ipairs(ARG.commissions.settled) do
    redis.call('ZREM', KEY.undecided .. ':' .. settled.beneficiary, settled.order)
  end
end
