-- BEAT: a worker says how it is, and hears what people chose: what is paused, and which templates are used.
--
-- KEYS  1 workers: sorted set of workers by the time of their last beat, ms
--       2 this worker: "<ms> <JSON>", gone when it is silent for 10 s
--       3 pauses: "<serial> <JSON>" (core/pause.h)   4 pin: "<serial> <version> <versions that it replaces>"
--       5 history: sorted set of versions by the time when they were put live
--       6 packed files of the version in the worker's folder   7 the same of the version that it uses
-- ARGV  1 worker   2 its JSON   3 the pauses that it knows, or ""   4 the pin that it knows, or ""
--       5 version of its folder   6 version that it uses   7 "live" when the folder has just changed, else ""
--       8 prefix of KEYS[6]   9 most versions to keep
--
-- Answers  {pauses, pin, 1 when KEYS[6] is here, 1 when KEYS[7] is, versions from the latest on}
--
-- A Redis that forgot everything learns pauses, pin and versions from the workers again.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function serial(text)
    return tonumber(string.match(text, '^%d+') or '0')
end
local function newest(key, known)
    local text = redis.call('GET', key) or ''
    if serial(known) > serial(text) then
        redis.call('SET', key, known)
        return known
    end
    return text
end
redis.call('ZADD', KEYS[1], string.format('%d', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now - 60000))
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('SET', KEYS[2], string.format('%d %s', now, ARGV[2]), 'PX', 10000)
local pauses, pin = newest(KEYS[3], ARGV[3]), newest(KEYS[4], ARGV[4])
redis.call('ZADD', KEYS[5], 'NX', string.format('%d', now - 1), ARGV[6])
if ARGV[7] == 'live' then
    redis.call('ZADD', KEYS[5], string.format('%d', now), ARGV[5])
else
    redis.call('ZADD', KEYS[5], 'NX', string.format('%d', now), ARGV[5])
end
local wanted = string.match(pin, '^%d+ (%x+)')
for _, version in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1 - ARGV[9])) do
    if version ~= wanted then
        redis.call('ZREM', KEYS[5], version)
        redis.call('DEL', ARGV[8] .. version)
    end
end
return {pauses, pin, redis.call('EXISTS', KEYS[6]), redis.call('EXISTS', KEYS[7]), redis.call('ZREVRANGE', KEYS[5], 0, -1)}
