--[[
policy: a tenant's present revision, of which nothing goes back to an older one.
KEYS stamp document tenants due
ARG  tenant revision digest record recompute
Returns policy_revision, policy_is_another(), store_policy()
]]
local policy_revision, policy_digest = 0, ''
do
  local stored = redis.call('GET', KEY.stamp)
  if stored then
    stored = cmsgpack.unpack(stored)
    policy_revision, policy_digest = stored.revision, stored.digest
  end
end

local function policy_is_another()
  return ARG.revision ~= policy_revision or ARG.digest ~= policy_digest
end

local function store_policy()
  redis.call('SET', KEY.stamp, cmsgpack.pack({revision = ARG.revision, digest = ARG.digest}))
  redis.call('SET', KEY.document, ARG.record)
  redis.call('SADD', KEY.tenants, ARG.tenant)
  -- In the same step, so that no crash can leave records that nobody decides anew.
  if ARG.recompute then redis.call('ZADD', KEY.due, digits(clock.now), ARG.tenant) end
end
