-- NOT_BEFORE: the provider said "too many": no worker asks it again before the time is over. Never moves earlier.
--
-- KEYS  1 shared "not before", us
-- ARGV  1 delay ms
local t = redis.call('TIME')
local until_us = t[1] * 1000000 + t[2] + ARGV[1] * 1000
if until_us > tonumber(redis.call('GET', KEYS[1]) or 0) then
    redis.call('SET', KEYS[1], string.format('%d', until_us), 'PX', ARGV[1] + 1000)
end
return 1
