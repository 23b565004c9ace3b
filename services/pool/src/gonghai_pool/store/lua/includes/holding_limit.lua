--[[
holding_limit: whether a holder has room for one customer more.
KEYS
ARG  limit
Returns holding_limit_reached(change)
]]
-- The limit that is reached, or nil. What the holder has of this customer already (a place that is
-- kept for him) counts once.
local function holding_limit_reached(change)
  local before, after = change.before, change.after
  if not ARG.limit or not after.counted or after.weight == 0 then return nil end
  local used = weight_of(after.counted)
  local own = before.counted == after.counted and before.weight or 0
  if used - own + after.weight <= ARG.limit then return nil end
  return {limit = 'holding', used = used, most = ARG.limit}
end
