#!lua flags=allow-oom
-- RESOLVE: an operator says what became of a dead or held delivery: sent (S), or dropped (X). Also where Redis has
-- forgotten the record and the outcomes topic knows it.
--
-- KEYS  1 record   2 guard of the shard
-- ARGV  1 epoch   2 fence that it is D or H under   3 state: S or X   4 info   5 ttl ms
--
-- Answers  OK (done now or before) · CHANGED record (something else stands; nothing changed) · AMNESIA
if redis.call('HGET', KEYS[2], 'e') ~= ARGV[1] then
    return {'AMNESIA'}
end
local value = redis.call('GET', KEYS[1])
local new = ARGV[3] .. '|' .. ARGV[2] .. '|' .. ARGV[4]
if value == new then
    return {'OK'}
end
if value and string.match(value, '^[DH]|(%d+)|') ~= ARGV[2] then
    return {'CHANGED', value}
end
redis.call('SET', KEYS[1], new, 'PX', ARGV[5])
return {'OK'}
