--[[
stamped: instants written into messages in the step that makes the change.
KEYS
ARG
Returns with_time(payload, field, instant)
]]
local function varint(number)
  local bytes = {}
  repeat
    local low = number % 128
    number = math.floor(number / 128)
    bytes[#bytes + 1] = string.char(number > 0 and low + 128 or low)
  until number == 0
  return table.concat(bytes)
end

-- A serialized message with its Timestamp field of this number set: the store's time is known here
-- only, and a field that comes after the others counts like any.
local function with_time(payload, field, instant)
  local seconds = math.floor(instant / 1000000)
  local nanos = (instant - seconds * 1000000) * 1000
  local time = '\8' .. varint(seconds)
  if nanos > 0 then time = time .. '\16' .. varint(nanos) end
  return payload .. varint(field * 8 + 2) .. varint(#time) .. time
end
