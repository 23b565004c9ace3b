--[[
find_quarantined: which of some subjects have events in quarantine.
KEYS clock quarantine
ARG  members
Returns ok{found}
]]
-- @include clock
-- @include reply
local found = {}
for _, member in ipairs(ARG.members) do
  if redis.call('ZSCORE', KEY.quarantine, member) then found[#found + 1] = member end
end
return reply('ok', {found = found})
