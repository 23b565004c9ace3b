--[[
queue: customers to be routed, in the order in which they came.
KEYS queue meta
ARG
Returns enqueue(tenant, customer)
]]
local queue_seq = tonumber(redis.call('HGET', KEY.meta, 'queued') or 0)

-- One that waits already keeps its place.
local function enqueue(tenant, customer)
  queue_seq = queue_seq + 1
  redis.call('HSET', KEY.meta, 'queued', digits(queue_seq))
  redis.call('ZADD', KEY.queue, 'NX', digits(queue_seq), tenant .. '/' .. customer)
end
