--[[
history: the list of what happened to a subject, oldest first.
KEYS
ARG
Returns append_history(key, entry)
]]
local function append_history(key, entry)
  redis.call('RPUSH', key, entry)
end
