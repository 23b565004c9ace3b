--[[
drop_strays: some customers leave an index of an owner or pool whose they are not.
KEYS clock cursor custodies index
ARG  generation term ids
Returns ok{dropped} | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply("stale") end
local strays = {}
for _, id in ipairs(ARG.ids) do
  local stored = redis.call('GET', KEY.custodies .. ':' .. id)
  local stands = false
  for _, term in ipairs(stored and cmsgpack.unpack(stored).terms or {}) do
    stands = stands or term == ARG.term
  end
  if not stands then strays[#strays + 1] = id end
end
local answer = reply("ok", {dropped = #strays})
-- WRITES
write_clock()
for _, id in ipairs(strays) do redis.call('ZREM', KEY.index .. ':' .. ARG.term, id) end
return answer
