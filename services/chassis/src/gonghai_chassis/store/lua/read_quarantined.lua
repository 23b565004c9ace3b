--[[
read_quarantined: the event at the head of a subject's queue, and how many there are.
KEYS clock quarantined
ARG  member
Returns ok{entry, count}
]]
-- @include clock
-- @include reply
local first, behind = '[' .. ARG.member .. '\0', '(' .. ARG.member .. '\1'
local head = redis.call('ZRANGEBYLEX', KEY.quarantined, first, behind, 'LIMIT', 0, 1)[1]
return reply('ok', {entry = head and string.sub(head, #ARG.member + 14) or nil,
  count = redis.call('ZLEXCOUNT', KEY.quarantined, first, behind)})
