--[[
settle: notes how pool answered to an assignment; a refusal puts the customer up for routing again.
KEYS clock request custody routing loads parked queue intents meta due stream
ARG  fingerprint tenant customer seq intent_id answer term again full reason
Returns ok{current, loads, full, term, rep, detail} | reused
]]
-- @include clock
-- @include reply
-- @include request
-- @include answered
-- @include undone
-- @include queue
-- @include loads
-- @include wake
local answered = remembered()
if answered then return answered end
local routing = redis.call('HGET', KEY.routing, ARG.customer)
routing = routing and cmsgpack.unpack(routing) or nil
-- The number alone would not do: a fail-over can give it out twice.
local current = routing ~= nil and routing.seq == ARG.seq and routing.intent == ARG.intent_id
local found = find_intent(ARG.seq, ARG.intent_id)
local custody = redis.call('HGET', KEY.custody, ARG.customer)
custody = custody and cmsgpack.unpack(custody) or nil
local assigned = ARG.answer == 'assigned'
if current and not assigned and routing.counts then
  shift_load(routing.rep, 0, 0, -routing.weight, -1)
end
local full = current and ARG.full and routing.rep ~= nil
  and tonumber(redis.call('HGET', KEY.loads, 'full:' .. routing.rep) or routing.weight) or nil
local stays = current and not assigned and custody ~= nil and custody.state == 'pool'
  and not custody.blocked and custody.term == routing.term
-- Who is full in pool got no room by the refusal: what is parked would only be refused again.
local retry = load_falls() and not ARG.again and redis.call('ZCARD', KEY.parked) > 0
-- WRITES
write_clock()
complete_intent(found)
if not current then
  return remember(reply('ok', {current = false, term = ARG.term, loads = write_loads()}))
end
if assigned then
  routing.outcome = 'assigned'
  routing.assigned_term = ARG.term
else
  routing.outcome = 'refused'
  routing.reason = ARG.reason
  routing.counts = nil
  if stays and ARG.again then
    if not full then
      routing.tried = routing.tried or {}
      routing.tried[#routing.tried + 1] = routing.rep
    end
    enqueue(ARG.tenant, ARG.customer)
  end
  if full then
    full = math.min(full, routing.weight)
    redis.call('HSET', KEY.loads, 'full:' .. routing.rep, digits(full))
    -- A new version even where nothing else changed: who chooses is to know of it.
    shift_load(routing.rep, 0, 0, 0, 0)
  end
end
redis.call('HSET', KEY.routing, ARG.customer, cmsgpack.pack(routing))
if retry then set_due(KEY.due, ARG.tenant, clock.now) end
publish_wake()
return remember(reply('ok', {current = true, term = ARG.term, rep = routing.rep,
  detail = ARG.fingerprint ~= '' and routing.detail or nil,
  full = full, loads = write_loads()}))
