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
local open = entry_open()
if open and versions_moved() then return reply('moved') end
local before = redis.call('HGET', KEY.routing, ARG.customer)
before = before and cmsgpack.unpack(before) or nil
local same = before ~= nil and open and before.term == entry.term
local pending = same and before.outcome == 'pending'
local told = same and before.outcome == 'parked' and ARG.routing
  and before.reason == ARG.routing.reason
local due = due_at(KEY.due, ARG.tenant)
local member = ARG.tenant .. '/' .. ARG.customer
-- WRITES
write_clock()
redis.call('ZREM', KEY.queue, member)
if pending then return reply('pending') end
if not open then
  redis.call('ZREM', KEY.parked, ARG.customer)
  return reply('gone')
end
local routing = ARG.routing
local seq
if not routing then
  -- It stays in the pool, for whoever claims it.
  redis.call('ZREM', KEY.parked, ARG.customer)
  return reply('ok', {loads = write_loads()})
end
routing.at = clock.now
if routing.outcome == 'pending' then
  redis.call('ZREM', KEY.parked, ARG.customer)
  seq = add_intent{id = ARG.intent.id, kind = ARG.intent.kind, payload = ARG.intent.payload}
  routing.seq = seq
  if routing.rep then
    routing.counts = true
    shift_load(routing.rep, 0, 0, routing.weight, 1)
    redis.call('HSET', KEY.loads, 'turn:' .. routing.rep, digits(ARG.turn),
      'turn_clock', digits(ARG.turn_clock))
  end
else
  routing.since = told and before.since or clock.now
  queue_seq = queue_seq + 1
  redis.call('HSET', KEY.meta, 'queued', digits(queue_seq))
  redis.call('ZADD', KEY.parked, 'NX', digits(queue_seq), ARG.customer)
  if ARG.retry_at and (due == nil or ARG.retry_at < due) then
    set_due(KEY.due, ARG.tenant, ARG.retry_at)
  end
end
redis.call('HSET', KEY.routing, ARG.customer, cmsgpack.pack(routing))
if not told then
  append_event{kind = 'customer_routed', tenant = ARG.tenant, subject = ARG.customer,
    version = entry.version, payload = ARG.event, schema = 1}
end
return reply('ok', {seq = seq, loads = write_loads()})
