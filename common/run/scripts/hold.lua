-- HOLD: one more has taken a partition, or has begun to work on an event. Each counts once, however often it says so.
--
-- KEYS  1 holders: sorted set
-- ARGV  1 who   2 ttl ms
--
-- Answers  how many there are
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return #redis.call('ZRANGE', KEYS[1], 0, -1)
