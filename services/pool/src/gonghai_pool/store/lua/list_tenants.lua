--[[
list_tenants: the tenants that a partition has records of, by name.
KEYS clock tenants
ARG
Returns ok{tenants}
]]
-- @include clock
-- @include reply
local tenants = redis.call('SMEMBERS', KEY.tenants)
table.sort(tenants)
return reply("ok", {tenants = tenants})
