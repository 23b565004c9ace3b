--[[
note_recompute: how far deciding a tenant's customers anew has come.
KEYS clock recompute
ARG  revision score member
Returns ok
]]
-- @include clock
-- @include reply
-- WRITES
write_clock()
redis.call('HSET', KEY.recompute, 'revision', digits(ARG.revision), 'score', digits(ARG.score),
  'member', ARG.member)
return reply("ok")
