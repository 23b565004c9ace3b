--[[
frozen: customers about whom something is in quarantine, so that what is known of them may be wrong.
KEYS archive_quarantine staff_quarantine
ARG  tenant
Returns customer_frozen(customer), reclaim_frozen(customer, holder)
]]
local function customer_frozen(customer)
  return redis.call('ZSCORE', KEY.archive_quarantine, ARG.tenant .. '/' .. customer) ~= false
end

-- A reclaim rests on the tenant's policy as well (its events have the tenant for a subject), and on
-- the leaves of who holds the customer.
local function reclaim_frozen(customer, holder)
  local rep = holder and string.match(holder, '^rep:(.+)$')
  return customer_frozen(customer) or customer_frozen(ARG.tenant)
    or (rep ~= nil and redis.call('ZSCORE', KEY.staff_quarantine, ARG.tenant .. '/' .. rep) ~= false)
end
