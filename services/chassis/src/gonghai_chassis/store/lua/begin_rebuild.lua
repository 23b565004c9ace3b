--[[
begin_rebuild: notes that a projection is being rebuilt; until it is done it is complete up to nothing.
KEYS clock cursor asked
ARG  generation
Returns ok
]]
-- @include clock
-- @include reply
local answer = reply('ok')
-- WRITES
write_clock()
redis.call('HSET', KEY.cursor, 'rebuilding', ARG.generation, 'through', 0)
-- For the subscriber in the same process to notice at once; any other finds its next step stale.
redis.call('SET', KEY.asked, ARG.generation)
return answer
