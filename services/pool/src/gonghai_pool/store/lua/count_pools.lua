--[[
count_pools: how many customers are in each of some pools.
KEYS clock in_pool
ARG  pools
Returns ok{counts}
]]
-- @include clock
-- @include reply
local counts = {}
for i, pool in ipairs(ARG.pools) do
  counts[i] = redis.call('ZCARD', KEY.in_pool .. ':' .. pool .. ':time')
end
return reply("ok", {counts = counts})
