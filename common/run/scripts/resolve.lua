#!lua flags=allow-oom
-- RESOLVE: an operator says what became of a dead or held delivery: sent (S), or dropped (X). Also where Redis has
-- forgotten the record and the outcomes topic knows it.
--
-- KEYS  1 record   2 guard of the shard
-- ARGV  1 epoch   2 fence that it is D or H under   3 state: S or X   4 info   5 ttl ms
--
-- Answers  OK fence (done now or before) · CHANGED record (something else stands; nothing changed) · AMNESIA
--
-- The fence moves on, so that a recovery takes the operator's word for the later one.
if redis.call('HGET', KEYS[2], 'e') ~= ARGV[1] then
    return {'AMNESIA'}
end
local value = redis.call('GET', KEYS[1])
local state, fence, info = string.match(value or '', '^(%u)|(%d+)|(.*)$')
if state == ARGV[3] and info == ARGV[4] then
    return {'OK', tonumber(fence)}
end
if value and (fence ~= ARGV[2] or (state ~= 'D' and state ~= 'H')) then
    return {'CHANGED', value}
end
local new = redis.call('HINCRBY', KEYS[2], 'f', 1)
redis.call('SET', KEYS[1], string.format('%s|%d|%s', ARGV[3], new, ARGV[4]), 'PX', ARGV[5])
return {'OK', new}
