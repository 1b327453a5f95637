-- PIN_TEMPLATES: people chose a version. Nobody else may have chosen since they looked.
--
-- KEYS  1 pin   ARGV  1 the pin that they saw, or ""   2 the new one
--
-- Answers  1, or 0 when the pin is another one by now
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
