--[[
sweep: several customers in one step, each for itself.
KEYS archive due_clock
ARG  tenant items
Returns sweep_verdicts(waits, freezes), sweep(verdicts)
]]
-- For each item whether it is to be written: `moved` where its record is not what was decided on,
-- `early` where its time has not come, or where the archive's stream is not yet known to be complete
-- beyond it (an activity that keeps the customer may be under way), `frozen` where something about
-- it is in quarantine (which may be such an activity).
local function sweep_verdicts(waits, freezes)
  local through = tonumber(redis.call('HGET', KEY.archive, 'through') or 0)
  local verdicts = {}
  for i, item in ipairs(ARG.items) do
    if not unmoved(item) then
      verdicts[i] = 'moved'
    elseif waits and (clock.now < item.at or through <= item.at) then
      verdicts[i] = 'early'
    elseif freezes and reclaim_frozen(item.customer, item.before.holder) then
      verdicts[i] = 'frozen'
    else
      verdicts[i] = 'ok'
    end
  end
  return verdicts
end

local function sweep(verdicts)
  for i, item in ipairs(ARG.items) do
    if verdicts[i] == 'ok' then
      write_change(item)
    elseif verdicts[i] == 'frozen' then
      -- Looked at again later: what is undone holds back the stream's promise, and with it others.
      set_due(KEY.due_clock, ARG.tenant .. '/' .. item.customer, clock.now + 3600000000)
    end
  end
end
