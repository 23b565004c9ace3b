--[[
list_tenants: the tenants that the partition knows of.
KEYS clock tenants
ARG
Returns ok{tenants}
]]
-- @include clock
-- @include reply
return reply('ok', {tenants = redis.call('SMEMBERS', KEY.tenants)})
