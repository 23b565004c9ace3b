--[[
sweep: several customers in one step, each for itself.
KEYS archive
ARG  items
Returns sweep_verdicts(waits), sweep(verdicts)
]]
-- For each item whether it is to be written: `moved` where its record is not what was decided on,
-- `early` where its time has not come, or where the archive's stream is not yet known to be complete
-- beyond it (an activity that keeps the customer may be under way).
local function sweep_verdicts(waits)
  local through = tonumber(redis.call('HGET', KEY.archive, 'through') or 0)
  local verdicts = {}
  for i, item in ipairs(ARG.items) do
    if not unmoved(item) then
      verdicts[i] = 'moved'
    elseif waits and (clock.now < item.at or through <= item.at) then
      verdicts[i] = 'early'
    else
      verdicts[i] = 'ok'
    end
  end
  return verdicts
end

local function sweep(verdicts)
  for i, item in ipairs(ARG.items) do
    if verdicts[i] == 'ok' then write_change(item) end
  end
end
