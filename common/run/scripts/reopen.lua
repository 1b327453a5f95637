-- REOPEN: an operator lets a dead or held delivery begin anew. Only under the fence that it ended with, so that the same
-- word said twice counts once; what is sent, suppressed or on its way is never touched.
--
-- KEYS  1 record   2 guard of the shard
-- ARGV  1 epoch   2 fence that it is D or H under   3 fingerprint to begin with: "", or "::copy"   4 ttl ms
--
-- Answers  OK (it is parked and due now) · STALE (something else stands; nothing changed) · AMNESIA
if redis.call('HGET', KEYS[2], 'e') ~= ARGV[1] then
    return 'AMNESIA'
end
if string.match(redis.call('GET', KEYS[1]) or '', '^[DH]|(%d+)|') ~= ARGV[2] then
    return 'STALE'
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('SET', KEYS[1], string.format('P|%d|%d|0|%d||%s', redis.call('HINCRBY', KEYS[2], 'f', 1), now, now, ARGV[3]),
    'PX', ARGV[4])
return 'OK'
