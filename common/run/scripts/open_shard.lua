#!lua flags=allow-oom
-- OPEN_SHARD: the last step of a recovery: from now on claims of this shard may be taken under the new epoch. The fence
-- starts above every fence that was ever given.
--
-- KEYS  1 guard of the shard
-- ARGV  1 new epoch   2 least fence   3 ttl ms of the guard, 0 for ever
if tonumber(redis.call('HGET', KEYS[1], 'f') or 0) < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'f', ARGV[2])
end
redis.call('HSET', KEYS[1], 'e', ARGV[1])
if tonumber(ARGV[3] or 0) > 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
