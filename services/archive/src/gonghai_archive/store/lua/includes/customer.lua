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

-- How this customer's terms change who stands at a place (by the least that is too many) and within it.
local at_places = {}
local function count_at_places(terms, step)
  for _, term in ipairs(terms) do
    local least, place = string.match(term, '^place:(%d):(.*)$')
    if not least then
      least, place = '2', string.match(term, '^within:(.*)$')
    end
    if place then
      local term_at = 'place:' .. least .. ':' .. place
      local counts = at_places[term_at] or {least = tonumber(least), place = place, at = 0, within = 0}
      local where = string.sub(term, 1, 7) == 'within:' and 'within' or 'at'
      counts[where] = counts[where] + step
      at_places[term_at] = counts
    end
  end
end
count_at_places(ARG.index, 1)
count_at_places(ARG.unindex, -1)

-- Whether more customers stand there than may, once this one's terms are as given.
local crowded = {}
for term_at, counts in pairs(at_places) do
  local at = redis.call('ZCARD', KEY.index .. ':' .. term_at) + counts.at
  local within = redis.call('ZCARD', KEY.index .. ':within:' .. counts.place) + counts.within
  crowded[term_at] = at >= counts.least or (at > 0 and within > 0)
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
  for term, too_many in pairs(crowded) do
    if too_many then
      redis.call('ZADD', KEY.index .. ':colliding', 0, term)
    else
      redis.call('ZREM', KEY.index .. ':colliding', term)
    end
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
