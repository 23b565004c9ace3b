--[[
count: the smallest verb that has all parts of a real one; for tests.
KEYS clock stream meta request intents counter history due
ARG  fingerprint tenant subject by seen_version due_at intent
Returns ok{count, version} | moved | refused{count}
]]
-- @include clock
-- @include reply
-- @include request
-- @include event
-- @include history
-- @include undone
-- @include intents
local answered = remembered()
if answered then return answered end
if late() then return reply('late') end
local stored = redis.call('GET', KEY.counter)
local counter = stored and cmsgpack.unpack(stored) or {count = 0, version = 0}
if ARG.seen_version and counter.version ~= ARG.seen_version then return reply('moved') end
if counter.count + ARG.by < 0 then return reply('refused', {count = counter.count}) end
counter.count, counter.version = counter.count + ARG.by, counter.version + 1
counter.changed = clock.now
-- WRITES
write_clock()
redis.call('SET', KEY.counter, cmsgpack.pack(counter))
append_history(KEY.history, cmsgpack.pack({by = ARG.by, at = clock.now}))
if ARG.due_at then set_due(KEY.due, ARG.subject, ARG.due_at) end
if ARG.intent then add_intent{id = ARG.intent, kind = 'count', payload = ARG.subject} end
append_event{kind = 'Counted', tenant = ARG.tenant, subject = ARG.subject,
  version = counter.version, payload = cmsgpack.pack(ARG.by)}
return remember(reply('ok', {count = counter.count, version = counter.version}))
