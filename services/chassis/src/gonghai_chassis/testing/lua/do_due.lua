--[[
do_due: does one piece of time-driven work under a lease; for tests.
KEYS clock lease due done
ARG  holder token member again
Returns ok | fenced | gone
]]
-- @include clock
-- @include reply
-- @include fence
-- @include undone
if fenced() then return reply('fenced') end
local at = due_at(KEY.due, ARG.member)
if not at or at > clock.now then return reply('gone') end
-- WRITES
write_clock()
redis.call('RPUSH', KEY.done, ARG.member)
if ARG.again then set_due(KEY.due, ARG.member, at + ARG.again) else clear_due(KEY.due, ARG.member) end
return reply('ok')
