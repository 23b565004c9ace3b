--[[
place: a page of an index, in its order or against it, from a place on.
KEYS
ARG  score member descending
Returns page_of(key, size, count): entries and scores by turns, and the rank of the first
]]
local function page_of(key, size, count)
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
  return range(from, from + count - 1), from
end
