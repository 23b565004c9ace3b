--[[
read_item: a region, team or rep, and what the rep of that id looks after.
KEYS clock items loads
ARG  id
Returns ok{record, load}
]]
-- @include clock
-- @include reply
local load = redis.call('HMGET', KEY.loads, 'confirmed:' .. ARG.id, 'holdings:' .. ARG.id,
  'pending:' .. ARG.id, 'coming:' .. ARG.id)
for i = 1, 4 do load[i] = tonumber(load[i] or 0) end
return reply('ok', {record = redis.call('HGET', KEY.items, ARG.id) or nil, load = load})
