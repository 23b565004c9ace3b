--[[
facts: what archive says of a customer now, against what it said before.
KEYS facts custody groups parked
ARG  customer version group record
Returns facts_are_news, facts_parked, write_facts()
]]
local facts_before = redis.call('HGET', KEY.facts, ARG.customer)
facts_before = facts_before and cmsgpack.unpack(facts_before) or {version = 0, group = ''}
local facts_are_news = ARG.version > facts_before.version
local facts_parked = redis.call('ZSCORE', KEY.parked, ARG.customer) ~= false
local facts_holder
do
  local custody = redis.call('HGET', KEY.custody, ARG.customer)
  facts_holder = custody and cmsgpack.unpack(custody).rep or nil
end

local function write_facts()
  redis.call('HSET', KEY.facts, ARG.customer, ARG.record)
  if facts_holder and facts_before.group ~= ARG.group then
    if facts_before.group ~= '' then
      redis.call('HINCRBY', KEY.groups .. ':' .. facts_before.group, facts_holder, -1)
    end
    if ARG.group ~= '' then
      redis.call('HINCRBY', KEY.groups .. ':' .. ARG.group, facts_holder, 1)
    end
  end
end
