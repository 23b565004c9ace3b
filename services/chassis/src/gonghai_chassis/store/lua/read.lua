--[[
read: several records and the time, at one moment.
KEYS clock records...
ARG
Returns a list: real, now, then each record or nothing (keys that are no strings count as nothing)
]]
-- @include clock
local values = redis.call('MGET', unpack(KEY.records))
table.insert(values, 1, clock.now)
table.insert(values, 1, clock.real)
return values
