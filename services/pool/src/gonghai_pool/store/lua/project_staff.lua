--[[
project_staff: what assignment tells of a rep or a team, exactly once.
KEYS clock stream cursor quarantine quarantined staff setup tenants recompute due_recompute
ARG  step tenant id version record scope
Returns ok{} | stale{}
]]
-- @include clock
-- @include reply
-- @include cursor
-- @include undone
-- @include wake
-- @include recomputation
if cursor_passed() then return reply("stale") end
if late() then return reply("late") end
local stored = redis.call('HGET', KEY.staff, ARG.id)
local newer = not stored or cmsgpack.unpack(stored).version < ARG.version
-- WRITES
write_clock()
advance_cursor()
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
