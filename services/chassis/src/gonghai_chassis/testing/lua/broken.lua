--[[
broken: fails before it writes; for tests.
KEYS clock counter
ARG
Returns nothing
]]
-- @include clock
redis.call('HGET', KEY.counter, 'nonsense')
local nothing = nil
local value = nothing.field
-- WRITES
write_clock()
return value
