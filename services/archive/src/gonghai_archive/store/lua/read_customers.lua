--[[
read_customers: customers with their custody, and what decides who may see how much of them.
KEYS clock policy cursor quarantine staff_quarantine customers custodies activities lines pools
     reps teams
ARG  tenant ids with_activities viewer
Returns ok{stamp, incarnation, position, rebuilding, heard, found, pools, reps, teams}
]]
-- @include clock
-- @include reply
local cursor = redis.call('HMGET', KEY.cursor, 'incarnation', 'position', 'rebuilding', 'heard')
local answer = {
  stamp = redis.call('GET', KEY.policy) or nil,
  incarnation = cursor[1] or '', position = tonumber(cursor[2] or 0),
  rebuilding = cursor[3] or '', heard = tonumber(cursor[4] or 0),
  found = {}, pools = {}, reps = {}, teams = {},
}

-- What is known of a subject may be wrong while events about it are in quarantine.
local function doubtful(quarantine, id)
  return redis.call('ZSCORE', quarantine, ARG.tenant .. '/' .. id) ~= false
end

local function fill(known, key, id)
  if id == nil or id == '' or known[id] ~= nil then return known[id] end
  known[id] = redis.call('HGET', key, id) or nil
  return known[id]
end

local function fill_team(team)
  if team and team ~= '' and not doubtful(KEY.staff_quarantine, team) then
    fill(answer.teams, KEY.teams, team)
  end
end

local function fill_team_of(rep)
  if not rep or rep == '' or doubtful(KEY.staff_quarantine, rep) then return end
  local stored = fill(answer.reps, KEY.reps, rep)
  if stored then fill_team(cmsgpack.unpack(stored).team) end
end

if ARG.viewer then fill_team_of(ARG.viewer) end
local unknown = answer.rebuilding ~= ''
for i, id in ipairs(ARG.ids) do
  local customer = redis.call('GET', KEY.customers .. ':' .. id)
  local custody = redis.call('GET', KEY.custodies .. ':' .. id)
  answer.found[i] = {
    record = customer or nil,
    custody = custody or nil,
    activities = ARG.with_activities and redis.call('GET', KEY.activities .. ':' .. id) or nil,
    line = ARG.with_activities and redis.call('GET', KEY.lines .. ':' .. id) or nil,
  }
  if custody and ARG.viewer then
    local known = cmsgpack.unpack(custody)
    fill(answer.pools, KEY.pools, known.pool)
    fill_team_of(known.owner)
    fill_team(known.team)
    if doubtful(KEY.quarantine, id) or doubtful(KEY.quarantine, known.pool or '') then
      answer.found[i].doubtful, unknown = true, true
    end
  elseif customer then
    unknown = true
  end
end
if unknown and ARG.viewer then
  -- It may lie in any of them: what any of them hides stays hidden.
  local all = redis.call('HGETALL', KEY.pools)
  for i = 1, #all, 2 do answer.pools[all[i]] = all[i + 1] end
end
return reply("ok", answer)
