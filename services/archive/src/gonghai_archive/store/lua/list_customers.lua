--[[
list_customers: ids of customers in an index's order, from a place on, that stand in other indexes.
KEYS clock index
ARG  order within without descending score member limit scan
Returns ok{ids, score, member, more}
]]
-- @include clock
-- @include reply
-- The smallest index that all must stand in leads, unless the order asks for one of its own.
local lead, others = ARG.order, ARG.within
if ARG.order == 'all' and #ARG.within > 0 then
  local smallest
  for i, term in ipairs(ARG.within) do
    local size = redis.call('ZCARD', KEY.index .. ':' .. term)
    if not smallest or size < smallest then lead, smallest = term, size end
  end
end
local key = KEY.index .. ':' .. lead
local size = redis.call('ZCARD', key)

local function range(first, last)
  if ARG.descending then return redis.call('ZREVRANGE', key, first, last, 'WITHSCORES') end
  return redis.call('ZRANGE', key, first, last, 'WITHSCORES')
end

-- In the order of the answer: whether an entry comes after the place.
local function beyond(rank)
  local entry = range(rank, rank)
  local score, member = tonumber(entry[2]), entry[1]
  if score ~= ARG.score then
    if ARG.descending then return score < ARG.score end
    return score > ARG.score
  end
  if ARG.descending then return member < ARG.member end
  return member > ARG.member
end

local from = 0
if ARG.member then
  -- The entry at the place may be gone, so the first one beyond it is searched for.
  local low, high = 0, size
  while low < high do
    local middle = math.floor((low + high) / 2)
    if beyond(middle) then high = middle else low = middle + 1 end
  end
  from = low
end

local ids, score, member = {}, nil, nil
local entries = range(from, from + ARG.scan - 1)
local looked = 0
for i = 1, #entries, 2 do
  if #ids >= ARG.limit then break end
  looked = looked + 1
  member, score = entries[i], tonumber(entries[i + 1])
  local fits = true
  for _, term in ipairs(others) do
    if term ~= lead and not redis.call('ZSCORE', KEY.index .. ':' .. term, member) then
      fits = false
      break
    end
  end
  for _, term in ipairs(ARG.without) do
    if not fits then break end
    fits = not redis.call('ZSCORE', KEY.index .. ':' .. term, member)
  end
  if fits then ids[#ids + 1] = member end
end
return reply("ok", {ids = ids, score = score, member = member, more = from + looked < size})
