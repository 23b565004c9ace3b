--[[
custody: one change of a customer's custody, with everything that hangs on it.
KEYS custodies customers tenants in_pool holdings quotas histories waiting
  due_clock due_reservation
ARG  tenant
Returns unmoved(change), weight_of(holder), write_change(change)
]]
-- Whether the record is byte for byte what the decision was based on.
local function unmoved(change)
  local stored = redis.call('GET', KEY.custodies .. ':' .. change.customer)
  return (stored or '') == change.seen
end

-- What a holder's customers weigh at the moment, in thousandths.
local function weight_of(holder)
  return tonumber(redis.call('HGET', KEY.quotas .. ':' .. holder, 'weight') or 0)
end

local function move_in_pool(customer, before, after)
  if before.pool and before.pool ~= after.pool then
    redis.call('ZREM', KEY.in_pool .. ':' .. before.pool .. ':time', customer)
    redis.call('ZREM', KEY.in_pool .. ':' .. before.pool .. ':rank', customer)
  end
  if after.pool then
    redis.call('ZADD', KEY.in_pool .. ':' .. after.pool .. ':time', digits(after.entered), customer)
    redis.call('ZADD', KEY.in_pool .. ':' .. after.pool .. ':rank', after.rank, customer)
  end
end

-- A list of customers who are not in a pool and whom it cannot do without.
local function move_listed(list, customer, before, after, at)
  if before and before ~= after then
    redis.call('ZREM', KEY.in_pool .. ':' .. before .. ':' .. list, customer)
  end
  if after then
    redis.call('ZADD', KEY.in_pool .. ':' .. after .. ':' .. list, digits(at), customer)
  end
end

local function move_holding(customer, before, after)
  if before.holder and before.holder ~= after.holder then
    redis.call('ZREM', KEY.holdings .. ':' .. before.holder, customer)
  end
  if after.holder then
    redis.call('ZADD', KEY.holdings .. ':' .. after.holder, digits(after.due), customer)
    redis.call('ZADD', KEY.holdings .. ':all', digits(after.due), customer)
  elseif before.holder then
    redis.call('ZREM', KEY.holdings .. ':all', customer)
  end
end

local function count(holder, holdings, weight)
  local quota = KEY.quotas .. ':' .. holder
  if holdings ~= 0 then redis.call('HINCRBY', quota, 'holdings', holdings) end
  if weight ~= 0 then redis.call('HINCRBY', quota, 'weight', weight) end
end

local function move_quota(before, after)
  if before.counted and before.counted == after.counted then
    count(after.counted, (after.holder and 1 or 0) - (before.holder and 1 or 0),
      after.weight - before.weight)
    return
  end
  if before.counted then count(before.counted, before.holder and -1 or 0, -before.weight) end
  if after.counted then count(after.counted, after.holder and 1 or 0, after.weight) end
end

local function move_due(key, member, before, after)
  if before == after then return end
  if after then set_due(key, member, after) else clear_due(key, member) end
end

-- The position of its event in the stream; nil where nothing that others see has changed.
local function write_change(change)
  local customer, before, after = change.customer, change.before, change.after
  redis.call('SET', KEY.custodies .. ':' .. customer, change.record)
  if change.seen == '' then
    redis.call('ZADD', KEY.customers, 0, customer)
    redis.call('SADD', KEY.tenants, ARG.tenant)
  end
  move_in_pool(customer, before, after)
  move_listed('offered', customer, before.offered, after.offered, after.reservation_at)
  move_listed('coming', customer, before.coming, after.coming, after.coming_at)
  move_holding(customer, before, after)
  move_quota(before, after)
  if after.waiting then
    redis.call('ZADD', KEY.waiting, 0, customer)
  elseif before.waiting then
    redis.call('ZREM', KEY.waiting, customer)
  end
  local member = ARG.tenant .. '/' .. customer
  move_due(KEY.due_clock, member, before.clock_at, after.clock_at)
  move_due(KEY.due_reservation, member, before.reservation_at, after.reservation_at)
  if not change.event then return nil end
  append_history(KEY.histories .. ':' .. customer, change.entry)
  return append_event({kind = 'custody_changed', tenant = ARG.tenant, subject = customer,
    version = change.version, payload = change.event, schema = 1})
end
