--[[
intents: calls to other services that a step decided on, kept until they are answered.
KEYS intents meta
ARG
Returns add_intent{id, kind, payload}
]]
local intents_seq = tonumber(redis.call('HGET', KEY.meta, 'intents') or 0)

-- Number of the new intent; they are carried out in this order.
local function add_intent(intent)
  intents_seq = intents_seq + 1
  redis.call('HSET', KEY.meta, 'intents', intents_seq)
  redis.call('ZADD', KEY.intents, intents_seq,
    cmsgpack.pack({id = intent.id, kind = intent.kind, payload = intent.payload,
      seq = intents_seq, at = clock.real}))
  return intents_seq
end
