--[[
read_condition: how an area does in a partition, at one moment.
KEYS clock stream meta lease intents dues...
ARG  timed
Returns ok{holder, head, intents, due, oldest}: of the due indexes, those after the first `timed`
have numbers for times
]]
-- @include clock
-- @include reply
local lease = redis.call('HMGET', KEY.lease, 'holder', 'until')
local holder = lease[1] or ''
if tonumber(lease[2] or 0) < clock.real then holder = '' end
local head = {redis.call('HGET', KEY.meta, 'incarnation') or '', 0, ''}
local last = redis.call('XREVRANGE', KEY.stream, '+', '-', 'COUNT', 1)[1]
if last then
  head[2] = tonumber(string.match(last[1], '^(%d+)'))
  for i = 1, #last[2], 2 do
    if last[2][i] == 'nonce' then head[3] = last[2][i + 1] end
  end
end
local due, oldest = 0, nil
for i, key in ipairs(KEY.dues) do
  due = due + redis.call('ZCOUNT', key, '-inf', clock.now)
  local first = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
  if i <= ARG.timed and first and first <= clock.now and (not oldest or first < oldest) then
    oldest = first
  end
end
return reply('ok', {holder = holder, head = head, intents = redis.call('ZCARD', KEY.intents),
  due = due, oldest = oldest})
