--[[
list_history: entries of a history, newest first, below a number.
KEYS clock history
ARG  below limit
Returns ok{entries next}
]]
-- @include clock
-- @include reply
local total = redis.call('LLEN', KEY.history)
local last = math.min(ARG.below or total, total) - 1
local first = math.max(0, last - ARG.limit + 1)
local entries = {}
if last >= 0 then
  local found = redis.call('LRANGE', KEY.history, first, last)
  for i = #found, 1, -1 do entries[#entries + 1] = found[i] end
end
return reply("ok", {entries = entries, next = first})
