--[[
drop_cool_downs: forgets the cool-downs of a tenant that pool's snapshot did not have.
KEYS clock cursor cool_downs
ARG  generation had
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply('stale') end
local had, gone = {}, {}
for _, pool in ipairs(ARG.had) do had[pool] = true end
for _, pool in ipairs(redis.call('HKEYS', KEY.cool_downs)) do
  if not had[pool] then gone[#gone + 1] = pool end
end
-- WRITES
write_clock()
for _, pool in ipairs(gone) do redis.call('HDEL', KEY.cool_downs, pool) end
return reply('ok')
