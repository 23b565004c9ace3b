--[[
list_collisions: places at which more customers stand than may, with the first who came there: those
at the place itself, then those within it.
KEYS clock index
ARG  after limit most
Returns ok{places}
]]
-- @include clock
-- @include reply
local places = {}
local terms = redis.call('ZRANGEBYLEX', KEY.index .. ':colliding', ARG.after, '+', 'LIMIT', 0,
                         ARG.limit)
for i, term in ipairs(terms) do
  local at = KEY.index .. ':' .. term
  local within = KEY.index .. ':within:' .. string.gsub(term, '^place:%d:', '')
  local ids = redis.call('ZRANGE', at, 0, ARG.most - 1)
  for _, id in ipairs(redis.call('ZRANGE', within, 0, ARG.most - 1)) do
    if #ids < ARG.most then ids[#ids + 1] = id end
  end
  places[i] = {
    term = term,
    count = redis.call('ZCARD', at) + redis.call('ZCARD', within),
    ids = ids,
  }
end
return reply("ok", {places = places})
