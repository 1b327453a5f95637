-- ANNOUNCE_TEMPLATES: a worker says which template version it uses, and hears what people chose.
--
-- KEYS  1 workers: hash of worker -> "<ms> <JSON>"   2 pin: "<serial> <version> <versions that it replaces>"
--       3 history: sorted set of versions by the time when they were put live   4 the packed files of one version
-- ARGV  1 worker   2 its JSON   3 the pin that it knows, or ""   4 version of its folder, of which KEYS[4] are the files
--       5 "live" when the folder has just changed, else ""   6 prefix of KEYS[4]   7 most versions to keep
--
-- Answers  {pin, 1 when the files are here, versions from the latest on}
--
-- A Redis that forgot everything learns the pin from the workers again.
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
if ARGV[5] == 'live' then
    redis.call('ZADD', KEYS[3], string.format('%d', now), ARGV[4])
else
    redis.call('ZADD', KEYS[3], 'NX', string.format('%d', now), ARGV[4])
end
local wanted = string.match(pin, '^%d+ (%x+)')
for _, version in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1 - ARGV[7])) do
    if version ~= wanted then
        redis.call('ZREM', KEYS[3], version)
        redis.call('DEL', ARGV[6] .. version)
    end
end
return {pin, redis.call('EXISTS', KEYS[4]), redis.call('ZREVRANGE', KEYS[3], 0, -1)}
