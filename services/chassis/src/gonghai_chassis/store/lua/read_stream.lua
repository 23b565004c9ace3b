--[[
read_stream: events after a cursor, and up to when the stream is complete.
KEYS clock stream meta dues...
ARG  incarnation position mark limit granularity
Returns ok{incarnation, entries, through, at_head} | old{incarnation, position, nonce}
]]
-- @include clock
-- @include reply
local meta = redis.call('HMGET', KEY.meta, 'incarnation', 'seq', 'floor')
local incarnation, seq, floor = meta[1] or '', tonumber(meta[2] or 0), tonumber(meta[3] or 0)
local first = redis.call('XRANGE', KEY.stream, '-', '+', 'COUNT', 1)[1]

local function position_of(entry)
  return tonumber(string.match(entry[1], '^(%d+)'))
end

local function nonce_of(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'nonce' then return entry[2][i + 1] end
  end
end

local known
if ARG.position == 0 then
  known = seq == 0 or (first and position_of(first) == 1)
else
  local id = digits(ARG.position) .. '-0'
  local entry = redis.call('XRANGE', KEY.stream, id, id)[1]
  known = incarnation == ARG.incarnation and entry and nonce_of(entry) == ARG.mark
end
if not known then
  if not first then return reply('old', {incarnation = '', position = 0, nonce = ''}) end
  return reply('old',
    {incarnation = incarnation, position = position_of(first), nonce = nonce_of(first)})
end

local entries = redis.call('XRANGE', KEY.stream, '(' .. digits(ARG.position) .. '-0', '+',
  'COUNT', ARG.limit)
local last = #entries > 0 and position_of(entries[#entries]) or ARG.position
local at_head = last >= seq
if not at_head then
  return reply('ok', {incarnation = incarnation, entries = entries, through = 0, at_head = false})
end

-- Complete up to now, but not past time-driven work that is still undone.
local through = clock.now
for _, due in ipairs(KEY.dues) do
  local oldest = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if oldest[2] then through = math.min(through, tonumber(oldest[2])) end
end
-- A promise is stored before it is given, so that no later event is dated before it; a running
-- clock moves it in small steps only, not with each read.
local promise = through > floor and (clock.frozen or through - floor >= ARG.granularity)
if not promise then through = floor end
local answer = reply('ok',
  {incarnation = incarnation, entries = entries, through = through, at_head = true})
-- WRITES
if promise then
  write_clock()
  redis.call('HSET', KEY.meta, 'floor', through)
end
return answer
