--[[
versions: whether what a choice was made on still stands.
KEYS custody facts roster loads
ARG  customer term facts_version roster_version loads_version valid_from valid_before
Returns entry, entry_open(), versions_moved()
]]
local entry = redis.call('HGET', KEY.custody, ARG.customer)
entry = entry and cmsgpack.unpack(entry) or nil
local entry_facts_version, entry_roster_version, entry_loads_version
do
  local facts = redis.call('HGET', KEY.facts, ARG.customer)
  entry_facts_version = facts and cmsgpack.unpack(facts).version or 0
  entry_roster_version = tonumber(redis.call('HGET', KEY.roster, 'version') or 0)
  entry_loads_version = tonumber(redis.call('HGET', KEY.loads, 'version') or 0)
end

-- Whether the customer is in a pool, and may be assigned out of it.
local function entry_open()
  return entry ~= nil and entry.state == 'pool' and not entry.blocked
end

-- Reps come and go with time, so that a choice holds in a span of time only.
local function versions_moved()
  return entry.term ~= ARG.term
    or entry_facts_version ~= ARG.facts_version
    or entry_roster_version ~= ARG.roster_version
    or entry_loads_version ~= ARG.loads_version
    or clock.now < ARG.valid_from
    or (ARG.valid_before ~= nil and clock.now >= ARG.valid_before)
end
