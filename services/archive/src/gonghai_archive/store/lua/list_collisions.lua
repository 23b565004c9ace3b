--[[
list_collisions: places at which more customers stand than may, with the first who came there.
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
  places[i] = {
    term = term,
    count = redis.call('ZCARD', KEY.index .. ':' .. term),
    ids = redis.call('ZRANGE', KEY.index .. ':' .. term, 0, ARG.most - 1),
  }
end
return reply("ok", {places = places})
