-- CHOOSE: people chose: a version of the templates (pin), or what is paused. Nobody else may have chosen since they looked.
--
-- KEYS  1 pin, or pauses   ARGV  1 the text that they saw, or ""   2 the new one
--
-- Answers  1, or 0 when another one stands there by now
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
