--[[
claim_limits: how far a rep has used up what he may claim and hold.
KEYS claims quotas
ARG
Returns limits_reached(limits, change), count_claim(limits, change)
]]
-- Every limit that stands in the way, each with the instant at which it frees by itself. A limit
-- below nought is never enough; nought is none.
local function limits_reached(limits, change)
  local reached = {}
  local quota = redis.call('HMGET', KEY.quotas .. ':' .. limits.holder, 'weight', 'claimed', 'last')
  local claims = KEY.claims .. ':' .. limits.holder
  local function reach(limit, used, most, ends)
    reached[#reached + 1] = {limit = limit, used = used, most = most, ends = ends}
  end
  if limits.min_interval and quota[3] then
    local frees = tonumber(quota[3]) + limits.min_interval
    if clock.now < frees then reach('interval', 1, 1, frees) end
  end
  if limits.per_day then
    local used = redis.call('ZCOUNT', claims, digits(limits.day_start), '+inf')
    if used >= limits.per_day then reach('day', used, limits.per_day, limits.day_end) end
  end
  if limits.per_week then
    local used = redis.call('ZCOUNT', claims, digits(limits.week_start), '+inf')
    if used >= limits.per_week then reach('week', used, limits.per_week, limits.week_end) end
  end
  local claimed = tonumber(quota[2] or 0)
  if limits.total and claimed >= limits.total then reach('total', claimed, limits.total) end
  local weight = tonumber(quota[1] or 0)
  if limits.holding and limits.weight > 0 and weight + limits.weight > limits.holding then
    reach('holding', weight, limits.holding)
  end
  return reached
end

local function count_claim(limits, change)
  local claims = KEY.claims .. ':' .. limits.holder
  redis.call('ZADD', claims, digits(clock.now), change.customer .. ':' .. digits(change.version))
  redis.call('ZREMRANGEBYSCORE', claims, '-inf', '(' .. digits(limits.keep_from))
  local quota = KEY.quotas .. ':' .. limits.holder
  redis.call('HSET', quota, 'last', digits(clock.now))
  redis.call('HINCRBY', quota, 'claimed', 1)
end
