--[[
list_index: members of a sorted index from a place on, by score and name.
KEYS clock index
ARG  score member descending limit
Returns ok{members scores}
]]
-- @include clock
-- @include reply
-- Members with the score of the place that come before it by name were listed already; there may be
-- more of them than a page takes, so they are passed over by rank and not by reading.
local start = 0
local function rank_of(member)
  if ARG.descending then return redis.call('ZREVRANK', KEY.index, member) end
  return redis.call('ZRANK', KEY.index, member)
end

if ARG.member then
  local rank = rank_of(ARG.member)
  local score = rank and tonumber(redis.call('ZSCORE', KEY.index, ARG.member))
  if rank and score == ARG.score then
    start = rank + 1
  elseif ARG.descending then
    -- It has moved since: go on below its score as it was.
    start = redis.call('ZCOUNT', KEY.index, digits(ARG.score), '+inf')
  else
    start = redis.call('ZCOUNT', KEY.index, '-inf', '(' .. digits(ARG.score))
  end
end
local last = start + ARG.limit - 1
local flat
if ARG.descending then
  flat = redis.call('ZREVRANGE', KEY.index, start, last, 'WITHSCORES')
else
  flat = redis.call('ZRANGE', KEY.index, start, last, 'WITHSCORES')
end
local members, scores = {}, {}
for i = 1, #flat, 2 do
  members[#members + 1] = flat[i]
  scores[#scores + 1] = tonumber(flat[i + 1])
end
return reply("ok", {members = members, scores = scores})
