--[[
conclude_succession: what became of a second level is remembered for the request that asked for it;
without an outcome, what was remembered is asked for.
KEYS clock request
ARG  fingerprint outcome
Returns ok{moved, orphaned, failed, remaining} | open
]]
-- @include clock
-- @include reply
-- @include request
local answered = remembered()
if answered then return answered end
if not ARG.outcome then return reply("open") end
local answer = reply("ok", ARG.outcome)
-- WRITES
return remember(answer)
