--[[
read_setup: a tenant's pools, limits, reps and teams at one moment.
KEYS clock setup pool_records reps teams limits
ARG
Returns ok{mark pools reps teams limits}
]]
-- @include clock
-- @include reply
return reply("ok", {
  mark = redis.call('GET', KEY.setup) or '',
  pools = redis.call('HVALS', KEY.pool_records),
  reps = redis.call('HVALS', KEY.reps),
  teams = redis.call('HVALS', KEY.teams),
  limits = redis.call('GET', KEY.limits) or '',
})
