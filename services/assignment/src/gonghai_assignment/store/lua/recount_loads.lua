--[[
recount_loads: what reps hold, as counted from the custodies that a rebuild has put in place.
KEYS clock cursor loads
ARG  generation counted
Returns ok | stale
]]
-- @include clock
-- @include reply
-- @include rebuild
if superseded() then return reply('stale') end
local gone = {}
for _, field in ipairs(redis.call('HKEYS', KEY.loads)) do
  local rep = string.match(field, '^confirmed:(.+)$') or string.match(field, '^holdings:(.+)$')
  if rep and not ARG.counted[rep] then gone[#gone + 1] = field end
end
-- WRITES
write_clock()
for _, field in ipairs(gone) do redis.call('HDEL', KEY.loads, field) end
for rep, counted in pairs(ARG.counted) do
  redis.call('HSET', KEY.loads, 'confirmed:' .. rep, digits(counted[1]),
    'holdings:' .. rep, digits(counted[2]))
end
redis.call('HINCRBY', KEY.loads, 'version', 1)
return reply('ok')
