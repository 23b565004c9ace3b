--[[
reply: the one shape of an answer: status, domain time, store's time, fields, whether remembered.
KEYS
ARG
Returns reply(status, fields)
]]
local function reply(status, fields)
  return cmsgpack.pack({status, clock.now, clock.real, fields or {}, false})
end
