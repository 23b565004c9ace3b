--[[
versions: whether what a choice was made on still stands.
KEYS facts roster loads
ARG  customer term facts_version roster_version loads_version valid_from valid_before
Returns versions_moved(entry)
]]
local seen_facts, seen_roster, seen_loads
do
  local facts = redis.call('HGET', KEY.facts, ARG.customer)
  seen_facts = facts and cmsgpack.unpack(facts).version or 0
  seen_roster = tonumber(redis.call('HGET', KEY.roster, 'version') or 0)
  seen_loads = tonumber(redis.call('HGET', KEY.loads, 'version') or 0)
end

-- Reps come and go with time, so that a choice holds in a span of time only.
local function versions_moved(entry)
  return entry.term ~= ARG.term
    or seen_facts ~= ARG.facts_version
    or seen_roster ~= ARG.roster_version
    or seen_loads ~= ARG.loads_version
    or clock.now < ARG.valid_from
    or (ARG.valid_before ~= nil and clock.now >= ARG.valid_before)
end
