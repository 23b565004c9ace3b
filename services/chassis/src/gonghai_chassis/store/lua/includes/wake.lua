--[[
wake: a hint to who watches this partition, where a change has no event of its own.
KEYS stream
ARG
Returns publish_wake()
]]
local function publish_wake()
  local partition, area = string.match(KEY.stream, '^gh:{p(%d+)}:([^:]+):')
  redis.call('PUBLISH', 'gh:wake:' .. area, partition .. ' ' .. ARG.nonce)
end
