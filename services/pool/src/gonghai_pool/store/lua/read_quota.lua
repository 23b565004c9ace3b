--[[
read_quota: how far a holder has used his limits, and which stand in the way of a claim.
KEYS clock quotas claims
ARG  limits
Returns ok{holdings weight claimed last today week reached}
]]
-- @include clock
-- @include reply
-- @include claim_limits
local stored = redis.call('HMGET', KEY.quotas .. ':' .. ARG.limits.holder,
  'holdings', 'weight', 'claimed', 'last')
local claims = KEY.claims .. ':' .. ARG.limits.holder
return reply("ok", {
  holdings = tonumber(stored[1] or 0),
  weight = tonumber(stored[2] or 0),
  claimed = tonumber(stored[3] or 0),
  last = stored[4] and tonumber(stored[4]) or nil,
  today = redis.call('ZCOUNT', claims, digits(ARG.limits.day_start), '+inf'),
  week = redis.call('ZCOUNT', claims, digits(ARG.limits.week_start), '+inf'),
  reached = limits_reached(ARG.limits),
})
