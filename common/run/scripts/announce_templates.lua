-- ANNOUNCE_TEMPLATES: a worker says which template version it uses, and hears what people chose.
--
-- KEYS  1 workers: hash of worker -> "<ms> <JSON>"   2 pin: "<serial> <version> <versions that it replaces>"
--       3 history: sorted set of versions by the time when they were put live
--       4 packed files of the version in the worker's folder   5 the same of the version that it uses
-- ARGV  1 worker   2 its JSON   3 the pin that it knows, or ""   4 version of its folder   5 version that it uses
--       6 "live" when the folder has just changed, else ""   7 prefix of KEYS[4]   8 most versions to keep
--
-- Answers  {pin, 1 when KEYS[4] is here, 1 when KEYS[5] is, versions from the latest on}
--
-- A Redis that forgot everything learns pin and versions from the workers again.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function serial(pin)
    return tonumber(string.match(pin, '^%d+') or '0')
end
local pin = redis.call('GET', KEYS[2]) or ''
if serial(ARGV[3]) > serial(pin) then
    pin = ARGV[3]
    redis.call('SET', KEYS[2], pin)
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', now, ARGV[2]))
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('ZADD', KEYS[3], 'NX', string.format('%d', now - 1), ARGV[5])
if ARGV[6] == 'live' then
    redis.call('ZADD', KEYS[3], string.format('%d', now), ARGV[4])
else
    redis.call('ZADD', KEYS[3], 'NX', string.format('%d', now), ARGV[4])
end
local wanted = string.match(pin, '^%d+ (%x+)')
for _, version in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1 - ARGV[8])) do
    if version ~= wanted then
        redis.call('ZREM', KEYS[3], version)
        redis.call('DEL', ARGV[7] .. version)
    end
end
return {pin, redis.call('EXISTS', KEYS[4]), redis.call('EXISTS', KEYS[5]), redis.call('ZREVRANGE', KEYS[3], 0, -1)}
