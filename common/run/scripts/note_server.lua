#!lua flags=allow-oom
-- NOTE_SERVER: this server is the one that is written to, and all that was written until now is in it.
--
-- KEYS  1 note: "<run id> <ms>"
-- ARGV  1 run id   2 ttl ms, 0 for ever
local t = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%s %d', ARGV[1], t[1] * 1000 + math.floor(t[2] / 1000)))
if tonumber(ARGV[2]) > 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
