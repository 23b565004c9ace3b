--[[
load_staff: a rep or a team from assignment's snapshot.
KEYS clock stream cursor staff setup tenants recompute due_recompute
ARG  generation tenant id record scope
Returns ok{} | stale{}
]]
-- @include clock
-- @include reply
-- @include undone
-- @include wake
-- @include recomputation
-- @include rebuild
if superseded() then return reply("stale") end
if late() then return reply("late") end
local news = redis.call('HGET', KEY.staff, ARG.id) ~= ARG.record
-- WRITES
write_clock()
if news then
  redis.call('HSET', KEY.staff, ARG.id, ARG.record)
  redis.call('SET', KEY.setup, ARG.nonce)
  redis.call('SADD', KEY.tenants, ARG.tenant)
  if ARG.scope then
    request_recomputation(ARG.scope)
    publish_wake()
  end
end
return reply("ok")
