--[[
custody: what pool says of a customer now, against what it said before and what was on its way.
KEYS custody facts routing groups parked queue
ARG  tenant customer custody
Returns custody_is_news, custody_now, read_custody(), replace_custody(), write_custody()
]]
local custody_now = ARG.custody
local custody_before, custody_is_news, custody_routing, custody_group, custody_was_parked
local custody_intent
local custody_replaced = false

local function is_open(custody)
  return custody.state == 'pool' and not custody.blocked
end

local function compare_custody()
  local stored = redis.call('HGET', KEY.custody, ARG.customer)
  custody_before = stored and cmsgpack.unpack(stored) or {version = 0}
  custody_is_news = custody_now.version > custody_before.version
end

-- Whether what was chosen for this customer is over: what was on its way has arrived, or never will.
local function routing_is_over()
  local routing = custody_routing
  if not routing then return false end
  if routing.term < custody_now.term then return true end
  -- It rests on a term that pool has lost, or on pool's having agreed, which it has lost.
  return custody_replaced and (routing.term > custody_now.term
    or (routing.outcome == 'assigned' and is_open(custody_now)))
end

local function note_differences()
  local facts = redis.call('HGET', KEY.facts, ARG.customer)
  custody_group = facts and cmsgpack.unpack(facts).group or nil
  if custody_group == '' then custody_group = nil end
  if custody_before.rep then
    shift_load(custody_before.rep, -custody_before.weight, -1, 0, 0)
  end
  if custody_now.rep then shift_load(custody_now.rep, custody_now.weight, 1, 0, 0) end
  custody_was_parked = redis.call('ZSCORE', KEY.parked, ARG.customer) ~= false
  local routed = redis.call('HGET', KEY.routing, ARG.customer)
  custody_routing = routed and cmsgpack.unpack(routed) or nil
  if custody_routing and custody_routing.outcome == 'pending' then
    custody_intent = find_intent(custody_routing.seq, custody_routing.intent)
  end
  if custody_routing and custody_routing.counts and routing_is_over() then
    shift_load(custody_routing.rep, 0, 0, -custody_routing.weight, -1)
  end
end

-- Nothing is news that a snapshot or an earlier event told already.
local function read_custody()
  compare_custody()
  if custody_is_news then note_differences() end
end

-- What a snapshot says is so, whatever was known: pool may have lost what it had told before.
local function replace_custody()
  compare_custody()
  custody_is_news, custody_replaced = true, true
  note_differences()
end

local function write_group(rep, by)
  if custody_group and rep then
    redis.call('HINCRBY', KEY.groups .. ':' .. custody_group, rep, by)
  end
end

-- Whether the customer is one to be routed: in a pool, with nothing in the way.
local function write_custody()
  if not custody_is_news then return false end
  redis.call('HSET', KEY.custody, ARG.customer, cmsgpack.pack(custody_now))
  if custody_before.rep ~= custody_now.rep then
    write_group(custody_before.rep, -1)
    write_group(custody_now.rep, 1)
  end
  local routing = custody_routing
  local lost = routing_is_over() and routing.term >= custody_now.term
  if routing_is_over() and (lost or routing.counts or routing.outcome == 'pending') then
    if lost then
      complete_intent(custody_intent)
      routing.outcome = 'overtaken'
    elseif routing.outcome == 'pending' then
      local came = custody_now.state == 'held' and custody_now.rep == routing.rep
        and custody_now.team == routing.team
      routing.outcome = came and 'assigned' or 'overtaken'
      complete_intent(custody_intent)
    end
    routing.counts = nil
    redis.call('HSET', KEY.routing, ARG.customer, cmsgpack.pack(routing))
  end
  local open = is_open(custody_now)
  if not open then
    redis.call('ZREM', KEY.parked, ARG.customer)
    redis.call('ZREM', KEY.queue, ARG.tenant .. '/' .. ARG.customer)
  end
  -- Where nothing changed that routing rests on, what was decided for this term stands.
  return open and (custody_now.term ~= custody_before.term or not is_open(custody_before)
    or custody_was_parked or lost)
end
