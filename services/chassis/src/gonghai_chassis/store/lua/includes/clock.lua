--[[
clock: the two clocks of a partition, read once a script.
KEYS clock
ARG
Returns clock{now, real, frozen}, late(), n, write_clock()
]]
local clock = {}
do
  local time = redis.call('TIME')
  local stored = redis.call('HMGET', KEY.clock, 'real', 'offset', 'frozen')
  -- Neither clock runs backwards, even where the server's own clock was set back.
  clock.real = math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(stored[1] or 0))
  clock.frozen = stored[3] ~= false and stored[3] ~= ''
  clock.now = clock.frozen and tonumber(stored[3]) or (clock.real + tonumber(stored[2] or 0))
end

-- Whether the caller has stopped waiting: a command may have sat in a socket for long.
local function late()
  return ARG.deadline ~= nil and clock.real > ARG.deadline
end

-- A whole number as text, to be joined with other text: Lua's own way keeps 14 digits only, too few
-- for an instant. As an argument of redis.call a number is exact by itself, and six times cheaper.
local function digits(number)
  return string.format('%.0f', number)
end

local function write_clock()
  redis.call('HSET', KEY.clock, 'real', clock.real)
end
