--[[
read_frozen: whether something about a customer, his tenant's policy or his holder is in quarantine.
KEYS clock archive_quarantine staff_quarantine
ARG  tenant customer holder
Returns ok{customer, reclaim}
]]
-- @include clock
-- @include reply
-- @include frozen
return reply('ok', {customer = customer_frozen(ARG.customer),
  reclaim = reclaim_frozen(ARG.customer, ARG.holder)})
