#!lua flags=allow-oom
-- RESTORE: put back a record that Redis may have lost (after a reconnect, or from the outcomes topic). S always wins,
-- otherwise the higher fence wins; of the same claim, what came later: terminal over P over W and U. The shard's fence
-- never goes back.
--
-- KEYS  1 record   2 guard of the shard
-- ARGV  1 record string   2 ttl ms
--
-- Answers  1 restored · 0 what is there stands (always so when it is of a later version)
local rank = {W = 1, U = 1, P = 2, X = 3, D = 3, H = 3, S = 4}
local function fence_of(record)
    return tonumber(string.match(record, '^%u|(%d+)|'))
end
local function rank_of(record)
    return rank[string.sub(record, 1, 1)]
end
local fence = fence_of(ARGV[1])
if fence > tonumber(redis.call('HGET', KEYS[2], 'f') or 0) then
    redis.call('HSET', KEYS[2], 'f', string.format('%d', fence))
end
local value = redis.call('GET', KEYS[1])
if value and (string.sub(value, 1, 1) == 'S' or not string.match(value, '^[WUPXDH]|')) then
    return 0
end
if string.sub(ARGV[1], 1, 1) == 'S' or not value or fence_of(value) < fence or
    (fence_of(value) == fence and rank_of(value) < rank_of(ARGV[1])) then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return 0
