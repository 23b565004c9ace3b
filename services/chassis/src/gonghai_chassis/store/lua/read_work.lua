--[[
read_work: what an area still has to do in a partition, at one moment.
KEYS clock stream meta intents indexes...
ARG  dues
Returns ok{head, intents, due, next, consumed}: of the indexes, `dues` are due indexes and the
rest are cursors
]]
-- @include clock
-- @include reply
local incarnation = redis.call('HGET', KEY.meta, 'incarnation')
local last = redis.call('XREVRANGE', KEY.stream, '+', '-', 'COUNT', 1)[1]
local head = {incarnation or '', 0, ''}
if last then
  head[2] = tonumber(string.match(last[1], '^(%d+)'))
  for i = 1, #last[2], 2 do
    if last[2][i] == 'nonce' then head[3] = last[2][i + 1] end
  end
end
local due, following, consumed = 0, nil, {}
for i, key in ipairs(KEY.indexes) do
  if i <= ARG.dues then
    due = due + redis.call('ZCOUNT', key, '-inf', clock.now)
    local oldest = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if oldest and (not following or oldest < following) then following = oldest end
  else
    local cursor = redis.call('HMGET', key, 'incarnation', 'position', 'nonce', 'through')
    consumed[#consumed + 1] = {cursor[1] or '', tonumber(cursor[2] or 0), cursor[3] or '',
      tonumber(cursor[4] or 0)}
  end
end
return reply('ok', {head = head,
  intents = redis.call('ZCARD', KEY.intents), due = due, next = following, consumed = consumed})
