--[[
rebuild: the check that a step of a rebuild belongs to the one that is under way.
KEYS cursor
ARG  generation
Returns superseded()
]]
-- One that was begun anew, or that is done, must not be written into: its subscriber lost the lease.
local function superseded()
  return redis.call('HGET', KEY.cursor, 'rebuilding') ~= ARG.generation
end
