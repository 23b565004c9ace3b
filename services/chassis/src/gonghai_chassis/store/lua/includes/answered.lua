--[[
answered: drops intents that were answered. By number and id: a fail-over can give a number out again, to another call.
KEYS intents
ARG
Returns find_intent(seq, id), complete_intent(found)
]]

-- The intent as it is kept; nil when it is gone, or another one has its number.
local function find_intent(seq, id)
  for _, packed in ipairs(redis.call('ZRANGEBYSCORE', KEY.intents, seq, seq)) do
    if cmsgpack.unpack(packed).id == id then return packed end
  end
  return nil
end

local function complete_intent(found)
  if found then redis.call('ZREM', KEY.intents, found) end
end
