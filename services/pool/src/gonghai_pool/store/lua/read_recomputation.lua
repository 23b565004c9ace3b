--[[
read_recomputation: how far a recomputation is.
KEYS clock recompute
ARG  member
Returns ok{progress}
]]
-- @include clock
-- @include reply
return reply("ok", {progress = redis.call('HGET', KEY.recompute, ARG.member) or ''})
