--[[
finish_retry: parked customers were tried again on these versions; says when to try next.
KEYS clock roster loads due
ARG  tenant roster_version loads_version next
Returns ok | moved
]]
-- @include clock
-- @include reply
-- @include undone
local roster = tonumber(redis.call('HGET', KEY.roster, 'version') or 0)
local loads = tonumber(redis.call('HGET', KEY.loads, 'version') or 0)
if roster ~= ARG.roster_version or loads ~= ARG.loads_version then return reply('moved') end
-- WRITES
write_clock()
if ARG.next then
  set_due(KEY.due, ARG.tenant, ARG.next)
else
  clear_due(KEY.due, ARG.tenant)
end
return reply('ok')
