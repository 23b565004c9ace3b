--[[
list_quarantined: a tenant's quarantined events, by subject and then in their order.
KEYS clock quarantine quarantined
ARG  tenant subject index limit
Returns ok{entries}: each {member, index, entry}, the entry without its payload
]]
-- @include clock
-- @include reply
local prefix = ARG.tenant .. '/'
local members = redis.call('ZRANGEBYLEX', KEY.quarantine, '[' .. prefix .. ARG.subject,
  '(' .. prefix .. '\255', 'LIMIT', 0, ARG.limit)
local entries = {}
for _, member in ipairs(members) do
  local first = member == prefix .. ARG.subject and ARG.index or 0
  local left = ARG.limit - #entries
  if left <= 0 then break end
  local queue = redis.call('ZRANGEBYLEX', KEY.quarantined, '[' .. member .. '\0',
    '(' .. member .. '\1', 'LIMIT', first, left)
  for i, queued in ipairs(queue) do
    local entry = cmsgpack.unpack(string.sub(queued, #member + 14))
    entry.payload = nil
    entries[#entries + 1] = {member, first + i - 1, entry}
  end
end
return reply('ok', {entries = entries})
