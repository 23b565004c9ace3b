--[[
ask_retry: somebody wants a subject's quarantined events retried, by whoever holds the lease.
KEYS clock quarantine asked
ARG  member
Returns ok{token} | none
]]
-- @include clock
-- @include reply
if not redis.call('ZSCORE', KEY.quarantine, ARG.member) then return reply('none') end
-- Who asks while another's wish is still open shares it.
local token = redis.call('HGET', KEY.asked, ARG.member) or ARG.nonce
-- WRITES
write_clock()
redis.call('HSET', KEY.asked, ARG.member, token)
return reply('ok', {token = token})
