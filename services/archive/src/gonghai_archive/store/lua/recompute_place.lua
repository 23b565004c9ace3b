--[[
recompute_place: where deciding a tenant's customers anew goes on; nowhere for another revision.
KEYS clock recompute policy
ARG
Returns ok{revision, stamp, score, member}
]]
-- @include clock
-- @include reply
local stamp = redis.call('GET', KEY.policy)
local revision = stamp and cmsgpack.unpack(stamp).revision or 0
local place = redis.call('HMGET', KEY.recompute, 'revision', 'score', 'member')
if tonumber(place[1] or -1) ~= revision then
  return reply("ok", {revision = revision, stamp = stamp or nil})
end
return reply("ok", {revision = revision, stamp = stamp or nil, score = tonumber(place[2]),
  member = place[3]})
