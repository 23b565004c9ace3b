--[[
load_custody: a custody out of pool's snapshot; one that is known already is marked as still there.
KEYS clock custody customer index tenants
ARG  generation tenant customer version record terms
Returns ok
]]
-- @include clock
-- @include reply
-- @include custody
local known = custody_known()
local marked
if known then
  custody_before.generation = ARG.generation
  -- An empty table is packed as a list either way, which is what these two are.
  marked = cmsgpack.pack(custody_before)
end
-- WRITES
write_clock()
if known then redis.call('SET', KEY.custody, marked) else store_custody() end
return reply("ok")
