--[[
full: reps whom pool found full, each with the least weight that it refused; everybody is asked again.
KEYS loads
ARG
Returns clear_full()
]]
local full_reps = {}
for _, field in ipairs(redis.call('HKEYS', KEY.loads)) do
  if string.sub(field, 1, 5) == 'full:' then full_reps[#full_reps + 1] = field end
end

local function clear_full()
  for _, field in ipairs(full_reps) do redis.call('HDEL', KEY.loads, field) end
  if #full_reps > 0 then redis.call('HINCRBY', KEY.loads, 'version', 1) end
end
