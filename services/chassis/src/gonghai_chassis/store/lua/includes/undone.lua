--[[
undone: time-driven work that is still to be done, by the instant it falls due.
KEYS
ARG
Returns due_at(key, member), set_due(key, member, at), clear_due(key, member)
]]
local function due_at(key, member)
  return tonumber(redis.call('ZSCORE', key, member) or nil)
end

local function set_due(key, member, at)
  redis.call('ZADD', key, at, member)
end

local function clear_due(key, member)
  redis.call('ZREM', key, member)
end
