--[[
taking: what follows from a choice: an assignment with its call, a parked customer, or nothing.
KEYS routing parked queue due loads meta
ARG  tenant customer routing intent event retry_at turn turn_clock
Returns choice_is_told(entry), take_choice(entry)
]]
local choice_before = redis.call('HGET', KEY.routing, ARG.customer)
choice_before = choice_before and cmsgpack.unpack(choice_before) or nil
local choice_due = tonumber(redis.call('ZSCORE', KEY.due, ARG.tenant) or nil)

-- Whether the customer is parked already, for this reason.
local function choice_is_told(entry)
  return choice_before ~= nil and ARG.routing ~= nil and choice_before.term == entry.term
    and choice_before.outcome == 'parked' and choice_before.reason == ARG.routing.reason
end

-- The number of the intent, if there is one.
local function take_choice(entry)
  redis.call('ZREM', KEY.queue, ARG.tenant .. '/' .. ARG.customer)
  local routing = ARG.routing
  if not routing or routing.outcome == 'pending' then
    redis.call('ZREM', KEY.parked, ARG.customer)
  end
  -- Without a routing it stays in the pool, for whoever claims it: nobody is to be told that it is
  -- parked, and tried again.
  if not routing then
    if choice_before and choice_before.outcome == 'parked' then
      choice_before.outcome = 'overtaken'
      redis.call('HSET', KEY.routing, ARG.customer, cmsgpack.pack(choice_before))
    end
    return nil
  end
  local told = choice_is_told(entry)
  routing.at = clock.now
  if routing.outcome == 'pending' then
    routing.seq = add_intent{id = ARG.intent.id, kind = ARG.intent.kind,
      payload = ARG.intent.payload}
    if routing.rep then
      routing.counts = true
      shift_load(routing.rep, 0, 0, routing.weight, 1)
      redis.call('HSET', KEY.loads, 'turn:' .. routing.rep, digits(ARG.turn),
        'turn_clock', digits(ARG.turn_clock))
    end
  else
    routing.since = told and choice_before.since or clock.now
    queue_seq = queue_seq + 1
    redis.call('HSET', KEY.meta, 'queued', digits(queue_seq))
    redis.call('ZADD', KEY.parked, 'NX', digits(queue_seq), ARG.customer)
    if ARG.retry_at and (choice_due == nil or ARG.retry_at < choice_due) then
      set_due(KEY.due, ARG.tenant, ARG.retry_at)
    end
  end
  redis.call('HSET', KEY.routing, ARG.customer, cmsgpack.pack(routing))
  if not told then
    append_event{kind = 'customer_routed', tenant = ARG.tenant, subject = ARG.customer,
      version = entry.version, payload = ARG.event, schema = 1}
  end
  return routing.seq
end
