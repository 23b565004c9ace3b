--[[
request: a request id is answered once; for a day the same request gets the same answer.
KEYS request
ARG  fingerprint
Returns remembered(), remember(answer)
]]
-- The answer to give at once: what this request got before, or `reused` when the id came with
-- other content. Nil when the request is to be carried out.
local function remembered()
  if ARG.fingerprint == '' then return nil end
  local stored = redis.call('GET', KEY.request)
  if not stored then return nil end
  local entry = cmsgpack.unpack(stored)
  if entry[1] ~= ARG.fingerprint then
    return cmsgpack.pack({'reused', clock.now, clock.real, {}, false})
  end
  local answer = cmsgpack.unpack(entry[2])
  return cmsgpack.pack({answer[1], clock.now, clock.real, answer[4], true})
end

-- Kept for 24 hours of real time, whatever domain time does.
local function remember(answer)
  if ARG.fingerprint ~= '' then
    redis.call('SET', KEY.request, cmsgpack.pack({ARG.fingerprint, answer}), 'PX', 86400000)
  end
  return answer
end
