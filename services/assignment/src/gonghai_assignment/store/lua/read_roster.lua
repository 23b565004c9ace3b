--[[
read_roster: all regions, teams and reps of a tenant, what the reps look after, and his policy, at one moment.
KEYS clock regions teams reps roster loads policy
ARG
Returns ok{regions, teams, reps, version, loads, policy}
]]
-- @include clock
-- @include reply
return reply('ok', {
  regions = redis.call('HVALS', KEY.regions),
  teams = redis.call('HVALS', KEY.teams),
  reps = redis.call('HVALS', KEY.reps),
  version = tonumber(redis.call('HGET', KEY.roster, 'version') or 0),
  loads = redis.call('HGETALL', KEY.loads),
  policy = redis.call('GET', KEY.policy) or nil,
})
