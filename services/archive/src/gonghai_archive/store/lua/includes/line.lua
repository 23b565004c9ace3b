--[[
line: a customer between its sponsor and its second level. Two levels, no loops; a sponsor whose
second level has changed is due at once, in the step that changes it. The indexes `below` and
`below:{sponsor}` list who has one, and who has that one; who came below a sponsor, and who left it,
is noted with the time.
KEYS line lines memberships customers due index
ARG  tenant customer upline downline
Returns upline_problem, store_line(created)
]]
local function line_at(key)
  local stored = redis.call('GET', key)
  return stored and cmsgpack.unpack(stored) or {}
end

local line = line_at(KEY.line)
-- What it gives to its sponsor from now on: nothing, where it cannot stand below that one.
local part, upline_problem = ARG.upline.part, nil
local sponsors = {}
if part then
  if part.sponsor == ARG.customer then
    upline_problem = 'itself'
  elseif line.down and line.down.members > 0 then
    upline_problem = 'sponsors'
  elseif redis.call('EXISTS', KEY.customers .. ':' .. part.sponsor) == 0 then
    upline_problem = 'unknown'
  else
    sponsors[part.sponsor] = line_at(KEY.lines .. ':' .. part.sponsor)
    if sponsors[part.sponsor].up then upline_problem = 'sponsored' end
  end
  if upline_problem then part = nil end
end
if line.up and not sponsors[line.up.sponsor] then
  sponsors[line.up.sponsor] = line_at(KEY.lines .. ':' .. line.up.sponsor)
end

local function add_days(days, to, sign)
  for i = 1, #days, 2 do to[days[i]] = (to[days[i]] or 0) + sign * days[i + 1] end
end

local function kept_days(days)
  local kept = {}
  for day, value in pairs(days) do
    if value ~= 0 and day >= ARG.upline.since then
      kept[#kept + 1] = day
      kept[#kept + 1] = value
    end
  end
  return kept
end

-- A sponsor's second level after this customer's part in it became another; nil where its facts
-- are as they were.
local function downline_after(down, gone, come)
  down = down or {version = 0, members = 0, amounts = {}, last_orders = {}}
  local amounts, last_orders = {}, {}
  if come then
    add_days(come.amounts, amounts, 1)
    if come.last_order then add_days({come.last_order, 1}, last_orders, 1) end
  end
  if gone then
    add_days(gone.amounts, amounts, -1)
    if gone.last_order then add_days({gone.last_order, 1}, last_orders, -1) end
  end
  if gone and come and gone.last_order == come.last_order and #kept_days(amounts) == 0 then
    return nil
  end
  add_days(down.amounts, amounts, 1)
  add_days(down.last_orders, last_orders, 1)
  return {
    version = down.version + 1,
    members = down.members + (come and 1 or 0) - (gone and 1 or 0),
    pending_since = down.pending_since or clock.now,
    amounts = kept_days(amounts),
    last_orders = kept_days(last_orders),
  }
end

-- In the order in which they were made, as in the other indexes.
local function index_below(was, is, created)
  if was and was ~= is then
    redis.call('ZREM', KEY.index .. ':below:' .. was, ARG.customer)
    if not is then redis.call('ZREM', KEY.index .. ':below', ARG.customer) end
  end
  if is then
    redis.call('ZADD', KEY.index .. ':below:' .. is, digits(created), ARG.customer)
    redis.call('ZADD', KEY.index .. ':below', digits(created), ARG.customer)
  end
end

local function note_membership(was, is)
  if was == is then return end
  if was then
    redis.call('RPUSH', KEY.memberships .. ':' .. was,
               cmsgpack.pack({clock.now, ARG.customer, false}))
  end
  if is then
    redis.call('RPUSH', KEY.memberships .. ':' .. is,
               cmsgpack.pack({clock.now, ARG.customer, true}))
  end
end

local function store_line(created)
  local up = line.up
  index_below(up and up.sponsor, part and part.sponsor, created)
  note_membership(up and up.sponsor, part and part.sponsor)
  for name, stands in pairs(sponsors) do
    local gone = up and up.sponsor == name and up or nil
    local come = part and part.sponsor == name and part or nil
    local down = (gone or come) and downline_after(stands.down, gone, come)
    if down then
      stands.down = down
      redis.call('SET', KEY.lines .. ':' .. name, cmsgpack.pack(stands))
      redis.call('ZADD', KEY.due, 'LT', digits(down.pending_since), ARG.tenant .. '/' .. name)
    end
  end
  local down = line.down
  if down and down.pending_since then
    if down.version == ARG.downline then
      down.pending_since = nil
    else
      -- Its second level has moved on since this was decided: it is decided on again.
      redis.call('ZADD', KEY.due, 'LT', digits(down.pending_since), ARG.tenant .. '/' .. ARG.customer)
    end
  end
  if part or down then
    redis.call('SET', KEY.line, cmsgpack.pack({up = part, down = down}))
  elseif up then
    redis.call('DEL', KEY.line)
  end
end
