--[[
custody: what pool said of a customer, with its place in the indexes of owners and pools.
KEYS custody customer index tenants
ARG  tenant customer version record terms
Returns custody_known(), store_custody()
]]
-- What is known of it, when that is not older than what is told now.
local custody_before = redis.call('GET', KEY.custody)
if custody_before then custody_before = cmsgpack.unpack(custody_before) end
local custody_created
do
  local stored = redis.call('GETRANGE', KEY.customer, 0, 63)
  if stored ~= '' then
    local _, head = cmsgpack.unpack_one(stored)
    custody_created = head[2]
  end
end

local function custody_known()
  return custody_before ~= nil and custody_before ~= false
    and custody_before.version >= ARG.version
end

local function store_custody()
  redis.call('SADD', KEY.tenants, ARG.tenant)
  if custody_before then
    for _, term in ipairs(custody_before.terms or {}) do
      redis.call('ZREM', KEY.index .. ':' .. term, ARG.customer)
    end
  end
  redis.call('SET', KEY.custody, ARG.record)
  if custody_created then
    for _, term in ipairs(ARG.terms) do
      redis.call('ZADD', KEY.index .. ':' .. term, digits(custody_created), ARG.customer)
    end
  end
end
