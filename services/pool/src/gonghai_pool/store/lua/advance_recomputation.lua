--[[
advance_recomputation: a recomputation has gone over some records, or is done.
KEYS clock lease recompute due_recompute
ARG  holder token member seen progress
Returns ok{} | moved{} | fenced{}
]]
-- @include clock
-- @include reply
-- @include fence
-- @include undone
if fenced() then return reply("fenced") end
if (redis.call('HGET', KEY.recompute, ARG.member) or '') ~= ARG.seen then return reply("moved") end
-- WRITES
write_clock()
if ARG.progress then
  redis.call('HSET', KEY.recompute, ARG.member, ARG.progress)
else
  redis.call('HDEL', KEY.recompute, ARG.member)
  clear_due(KEY.due_recompute, ARG.member)
end
return reply("ok")
