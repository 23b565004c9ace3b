--[[
commissions: by what a customer's orders pay, and the lines of the statements that come of it.
KEYS commissions statements commission_sums
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
end
