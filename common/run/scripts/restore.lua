#!lua flags=allow-oom
-- RESTORE: put back a record that Redis may have lost (after a reconnect, or from the outcomes topic). S always wins,
-- otherwise the higher fence wins; of the same claim, what came later: terminal over P over W and U. The shard's fence
-- never goes back.
--
-- KEYS  1 record   2 guard of the shard
-- ARGV  1 record string   2 ttl ms
--
-- Answers  1 restored · 0 what is there stands (always so when it is of a later version, or broken and this is not S)
-- A record of this version, as claim_record_parse() reads it? The same in begin.lua, settle.lua.
local function is_ours(value)
    local fence = string.match(value, '^[SXDH]|(%d+)|')
    local open, deadline, attempts, first = string.match(value, '^[WUP]|(%d+)|(%d+)|(%d+)|(%d+)|[^|]*|')
    return fence and #fence <= 18 or open and math.max(#open, #deadline, #first) <= 18 and #attempts <= 6
end
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
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then
    value = '' -- something else than a text
end
if value and not is_ours(value) then
    if string.sub(ARGV[1], 1, 1) ~= 'S' or string.match(value, '^[WUPSXDH]%d') then
        return 0
    end
    value = false
end
if value and string.sub(value, 1, 1) == 'S' then
    return 0
end
if string.sub(ARGV[1], 1, 1) == 'S' or not value or fence_of(value) < fence or
    (fence_of(value) == fence and rank_of(value) < rank_of(ARGV[1])) then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return 0
