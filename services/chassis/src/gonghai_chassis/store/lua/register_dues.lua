--[[
register_dues: tells the dev clock which due indexes an area has.
KEYS clock dues indexes...
ARG
Returns ok
]]
-- @include clock
-- @include reply
local answer = reply('ok')
-- WRITES
if #KEY.indexes > 0 then redis.call('SADD', KEY.dues, unpack(KEY.indexes)) end
return answer
