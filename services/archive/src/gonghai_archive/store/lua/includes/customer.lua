--[[
customer: a customer's record with its indexes, its history, and when it is to be decided on again.
KEYS customer index history due
ARG  tenant customer body revision index unindex rank next_at entries
Returns customer_head(), store_customer(version, created)
]]
-- Version, create time, update time and policy revision, without reading the rest of the record.
local function customer_head()
  local stored = redis.call('GETRANGE', KEY.customer, 0, 63)
  if stored == '' then return nil end
  local _, head = cmsgpack.unpack_one(stored)
  return {version = head[1], created = head[2], updated = head[3], revision = head[4]}
end

local function store_customer(version, created)
  local head = cmsgpack.pack({version, created, clock.now, ARG.revision})
  redis.call('SET', KEY.customer, head .. ARG.body)
  for _, term in ipairs(ARG.unindex) do
    redis.call('ZREM', KEY.index .. ':' .. term, ARG.customer)
  end
  for _, term in ipairs(ARG.index) do
    redis.call('ZADD', KEY.index .. ':' .. term, digits(created), ARG.customer)
  end
  redis.call('ZADD', KEY.index .. ':by_rank', digits(ARG.rank), ARG.customer)
  for _, entry in ipairs(ARG.entries) do
    redis.call('RPUSH', KEY.history, cmsgpack.pack(clock.now) .. entry)
  end
  local member = ARG.tenant .. '/' .. ARG.customer
  if ARG.next_at then
    redis.call('ZADD', KEY.due, digits(ARG.next_at), member)
  else
    redis.call('ZREM', KEY.due, member)
  end
end
