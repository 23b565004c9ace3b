--[[
load_staff: a rep or a team from assignment's snapshot.
KEYS clock stream staff setup tenants recompute due_recompute
ARG  tenant id version record scope
Returns ok{}
]]
-- @include clock
-- @include reply
-- @include undone
-- @include wake
-- @include recomputation
if late() then return reply("late") end
local stored = redis.call('HGET', KEY.staff, ARG.id)
local newer = not stored or cmsgpack.unpack(stored).version < ARG.version
-- WRITES
write_clock()
if newer then
  redis.call('HSET', KEY.staff, ARG.id, ARG.record)
  redis.call('SET', KEY.setup, ARG.nonce)
  redis.call('SADD', KEY.tenants, ARG.tenant)
  if ARG.scope then
    request_recomputation(ARG.scope)
    publish_wake()
  end
end
return reply("ok")
