--[[
list_revisions: the records of some revisions, newest first.
KEYS clock revisions
ARG  below limit
Returns ok{records, more}
]]
-- @include clock
-- @include reply
local last = redis.call('LLEN', KEY.revisions)
if ARG.below and ARG.below - 1 < last then last = ARG.below - 1 end
local first = math.max(last - ARG.limit + 1, 1)
local records = {}
if last >= 1 then
  local stored = redis.call('LRANGE', KEY.revisions, first - 1, last - 1)
  for i = #stored, 1, -1 do records[#records + 1] = stored[i] end
end
return reply("ok", {records = records, more = first > 1})
