--[[
list_tenants: the tenants of a partition that the archive knows.
KEYS clock tenants
ARG
Returns ok{tenants}
]]
-- @include clock
-- @include reply
return reply("ok", {tenants = redis.call('SMEMBERS', KEY.tenants)})
