--[[
drop_resources: those that the snapshot did not have are forgotten.
KEYS clock cursor resources
ARG  generation
Returns ok{dropped} | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply("stale") end
local gone = {}
local stored = redis.call('HGETALL', KEY.resources)
for i = 1, #stored, 2 do
  if cmsgpack.unpack(stored[i + 1]).generation ~= ARG.generation then gone[#gone + 1] = stored[i] end
end
local answer = reply("ok", {dropped = #gone})
-- WRITES
write_clock()
for _, id in ipairs(gone) do redis.call('HDEL', KEY.resources, id) end
return answer
