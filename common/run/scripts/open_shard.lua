#!lua flags=allow-oom
-- OPEN_SHARD: the last step of a recovery: from now on claims of this shard may be taken under this epoch. The fence starts
-- above every fence that was ever given. Only while the shard bears the mark that the recovery began with: without it all that
-- was put back may be gone again.
--
-- KEYS  1 guard of the shard: field r is the mark
-- ARGV  1 epoch   2 least fence   3 ttl ms of the guard, 0 for ever   4 mark
--
-- Answers  1, or 0 when the mark is another or gone
if redis.call('HGET', KEYS[1], 'r') ~= ARGV[4] then
    return 0
end
if tonumber(redis.call('HGET', KEYS[1], 'f') or 0) < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'f', ARGV[2])
end
redis.call('HSET', KEYS[1], 'e', ARGV[1])
if tonumber(ARGV[3]) > 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
