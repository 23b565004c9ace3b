--[[
page_of_hash: some fields and values of a hash, and where to go on.
KEYS clock hash
ARG  place limit
Returns ok{place, flat}
]]
-- @include clock
-- @include reply
local page = redis.call('HSCAN', KEY.hash, ARG.place, 'COUNT', digits(ARG.limit))
return reply('ok', {place = page[1], flat = page[2]})
