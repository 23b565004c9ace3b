--[[
trim_stream: drops old entries of a stream; the last one always stays.
KEYS clock stream meta
ARG  max_length older_than limit
Returns ok{trimmed}
]]
-- @include clock
-- @include reply
local seq = tonumber(redis.call('HGET', KEY.meta, 'seq') or 0)
local length = redis.call('XLEN', KEY.stream)
local keep_from = 0
if ARG.max_length then keep_from = seq - ARG.max_length + 1 end
if ARG.older_than then
  local cut = clock.real - ARG.older_than
  for _, entry in ipairs(redis.call('XRANGE', KEY.stream, '-', '+', 'COUNT', ARG.limit)) do
    local position, real = tonumber(string.match(entry[1], '^(%d+)')), 0
    for i = 1, #entry[2], 2 do
      if entry[2][i] == 'real' then real = tonumber(entry[2][i + 1]) end
    end
    if real >= cut then break end
    keep_from = math.max(keep_from, position + 1)
  end
end
keep_from = math.min(keep_from, seq)
local trimmed = 0
-- WRITES
if length > 0 and keep_from > 1 then
  trimmed = redis.call('XTRIM', KEY.stream, 'MINID', digits(keep_from) .. '-0')
end
return reply('ok', {trimmed = trimmed})
