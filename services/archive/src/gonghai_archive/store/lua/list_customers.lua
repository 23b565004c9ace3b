--[[
list_customers: ids of customers in an index's order, from a place on, that stand in other indexes.
KEYS clock index
ARG  order within without descending score member limit scan
Returns ok{ids, scores, score, member, looked, more}
]]
-- @include clock
-- @include reply
-- @include place
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
local entries, from = page_of(key, size, ARG.scan)

local ids, scores, score, member = {}, {}, nil, nil
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
  if fits then ids[#ids + 1], scores[#scores + 1] = member, score end
end
return reply("ok", {ids = ids, scores = scores, score = score, member = member, looked = looked,
                    more = from + looked < size})
