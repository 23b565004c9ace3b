--[[
event: entries of the area's stream, appended in the step that makes the change.
KEYS stream meta
ARG
Returns event_time(time), append_event{kind, tenant, subject, version, payload, schema, time}
]]
local stream_head = {}
do
  local stored = redis.call('HMGET', KEY.meta, 'incarnation', 'seq', 'floor')
  stream_head.incarnation = stored[1] or ARG.nonce
  stream_head.seq = tonumber(stored[2] or 0)
  stream_head.floor = tonumber(stored[3] or 0)
  stream_head.woken = false
end

-- The time that an event of this time gets: watchers were promised that the stream is complete up
-- to the floor, so nothing is dated before it.
local function event_time(time)
  return math.max(time or clock.now, stream_head.floor)
end

-- Position of the new entry. Payloads carry no personal data.
local function append_event(event)
  stream_head.seq = stream_head.seq + 1
  local position = stream_head.seq
  redis.call('HSET', KEY.meta, 'incarnation', stream_head.incarnation, 'seq', position)
  redis.call('XADD', KEY.stream, position .. '-0',
    'kind', event.kind, 'tenant', event.tenant, 'subject', event.subject,
    'version', event.version, 'time', event_time(event.time),
    'real', clock.real, 'nonce', ARG.nonce, 'schema', event.schema or 1,
    'payload', event.payload)
  if not stream_head.woken then
    stream_head.woken = true
    local partition, area = string.match(KEY.stream, '^gh:{p(%d+)}:([^:]+):')
    redis.call('PUBLISH', 'gh:wake:' .. area, partition .. ' ' .. ARG.nonce)
  end
  return stream_head.seq
end
