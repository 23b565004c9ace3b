--[[
route: gives a customer in a pool to somebody, parks it or leaves it there, as was decided on these versions.
KEYS clock stream meta custody facts routing roster loads parked queue intents due
ARG  tenant customer term facts_version roster_version loads_version valid_from
     valid_before routing intent event retry_at turn turn_clock
Returns ok{seq, loads} | pending | gone | moved
]]
-- @include clock
-- @include reply
-- @include event
-- @include intents
-- @include undone
-- @include queue
-- @include loads
-- @include versions
-- @include taking
local entry = redis.call('HGET', KEY.custody, ARG.customer)
entry = entry and cmsgpack.unpack(entry) or nil
local open = entry ~= nil and entry.state == 'pool' and not entry.blocked
if open and versions_moved(entry) then return reply('moved') end
-- One that pool agreed to stands as well: its event is on the way, and what it counts goes with it.
local pending = open and choice_before ~= nil and choice_before.term == entry.term
  and (choice_before.outcome == 'pending' or choice_before.outcome == 'assigned')
-- WRITES
write_clock()
if pending or not open then
  redis.call('ZREM', KEY.queue, ARG.tenant .. '/' .. ARG.customer)
  if not open then redis.call('ZREM', KEY.parked, ARG.customer) end
  return reply(pending and 'pending' or 'gone')
end
local seq = take_choice(entry)
return reply('ok', {seq = seq, loads = write_loads()})
