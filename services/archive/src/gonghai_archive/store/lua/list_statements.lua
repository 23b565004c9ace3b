--[[
list_statements: what customers have earned in a month, and how many orders each waits for: those
with lines or such orders, the oldest record first, from a place on.
KEYS clock index statements commission_sums undecided
ARG  period month score member descending limit scan
Returns ok{statements, score, member, looked, more}
]]
-- @include clock
-- @include reply
-- @include place
local key = KEY.index .. ':all'
local size = redis.call('ZCARD', key)
local entries, from = page_of(key, size, ARG.scan)

local statements, score, member = {}, nil, nil
local looked = 0
for i = 1, #entries, 2 do
  if #statements >= ARG.limit then break end
  looked = looked + 1
  member, score = entries[i], tonumber(entries[i + 1])
  local sums = redis.call('HMGET', KEY.commission_sums .. ':' .. member, ARG.period .. ':earned',
                          ARG.period .. ':taken_back')
  local undecided = redis.call('ZCOUNT', KEY.undecided .. ':' .. member, ARG.month, ARG.month)
  if sums[1] or sums[2] or undecided > 0 then
    statements[#statements + 1] = {
      customer = member, score = score,
      count = redis.call('LLEN', KEY.statements .. ':' .. member .. ':' .. ARG.period),
      earned = tonumber(sums[1] or 0), taken_back = tonumber(sums[2] or 0),
      undecided = undecided,
    }
  end
end
return reply("ok", {statements = statements, score = score, member = member, looked = looked,
                    more = from + looked < size})
