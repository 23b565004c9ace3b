--[[
list_names: members of an index that is ordered by name, after one of them.
KEYS clock index
ARG  after limit
Returns ok{members}
]]
-- @include clock
-- @include reply
local first = ARG.after == '' and '-' or '(' .. ARG.after
return reply("ok", {members = redis.call('ZRANGEBYLEX', KEY.index, first, '+', 'LIMIT', 0, ARG.limit)})
