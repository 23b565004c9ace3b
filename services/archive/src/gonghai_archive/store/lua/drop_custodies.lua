--[[
drop_custodies: those of some customers that the snapshot did not have are forgotten.
KEYS clock cursor custodies index
ARG  generation ids
Returns ok{dropped} | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply("stale") end
local gone = {}
for _, id in ipairs(ARG.ids) do
  local stored = redis.call('GET', KEY.custodies .. ':' .. id)
  if stored then
    local custody = cmsgpack.unpack(stored)
    if custody.generation ~= ARG.generation then gone[#gone + 1] = {id, custody.terms or {}} end
  end
end
local answer = reply("ok", {dropped = #gone})
-- WRITES
write_clock()
for _, entry in ipairs(gone) do
  redis.call('DEL', KEY.custodies .. ':' .. entry[1])
  for _, term in ipairs(entry[2]) do
    redis.call('ZREM', KEY.index .. ':' .. term, entry[1])
  end
end
return answer
