--[[
loads: what reps hold and what is on its way to them, by weight and by number.
KEYS loads
ARG
Returns shift_load(rep, confirmed, holdings, pending, coming), load_falls(), write_loads()
]]
local load_shifts = {}

-- Notes a difference; nothing is written before write_loads.
local function shift_load(rep, confirmed, holdings, pending, coming)
  local shift = load_shifts[rep] or {0, 0, 0, 0}
  load_shifts[rep] = {shift[1] + confirmed, shift[2] + holdings, shift[3] + pending,
    shift[4] + coming}
end

-- Whether somebody is to look after less than before.
local function load_falls()
  for _, shift in pairs(load_shifts) do
    if shift[1] + shift[3] < 0 then return true end
  end
  return false
end

-- The loads' new version and those that changed, each as {rep, confirmed, holdings, pending, coming}.
local function write_loads()
  local changed = {}
  for rep, shift in pairs(load_shifts) do
    -- Who holds less than when pool found him full may have room again.
    if shift[1] < 0 then redis.call('HDEL', KEY.loads, 'full:' .. rep) end
    changed[#changed + 1] = {rep,
      redis.call('HINCRBY', KEY.loads, 'confirmed:' .. rep, digits(shift[1])),
      redis.call('HINCRBY', KEY.loads, 'holdings:' .. rep, digits(shift[2])),
      redis.call('HINCRBY', KEY.loads, 'pending:' .. rep, digits(shift[3])),
      redis.call('HINCRBY', KEY.loads, 'coming:' .. rep, digits(shift[4]))}
  end
  -- A new version for whatever was touched, so that who chooses reads anew what it does not know.
  local version = redis.call('HINCRBY', KEY.loads, 'version', next(load_shifts) and 1 or 0)
  return {version = version, changed = changed}
end
