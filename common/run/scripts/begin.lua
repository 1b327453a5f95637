-- BEGIN: take the claim on a delivery and write, in the same step, that it may be on the wire from now on.
--
-- KEYS  1 record   2 guard of the shard: hash {e = epoch, f = last fence}   (same hash tag)
-- ARGV  1 epoch   2 claim id   3 lease ms   4 fingerprint   5 ttl ms of the record   6 caller's wall clock ms
--       7 most clock skew ms   8 what the caller knows: a record in state W, U or P, or ""
--
-- Record, version 1 (a later one puts its number behind the letter: W2|...)
--         W|fence|lease deadline|attempts|first begin|claim id|fingerprint   may be on the wire
--         U|...                                                             outcome unknown, one taker reconciles
--         P|...                                                             proved not sent, not before the deadline
--         S|fence|provider id    X|fence|reason    D|fence|reason    H|fence|reason    terminal
--
-- Answers  GO fence attempts first-begin · MINE record (this very call was executed before) · BUSY ms · LATER ms ·
--          AMBIG fence attempts age-ms fingerprint first-begin · DONE record · AMNESIA · SKEW ms ·
--          UNKNOWN record (of a later version, or broken: not to be changed)
-- A record of this version, as claim_record_parse() reads it? The same in settle.lua, restore.lua.
local function is_ours(value)
    local fence = string.match(value, '^[SXDH]|(%d+)|')
    local open, deadline, attempts, first = string.match(value, '^[WUP]|(%d+)|(%d+)|(%d+)|(%d+)|[^|]*|')
    return fence and #fence <= 18 or open and math.max(#open, #deadline, #first) <= 18 and #attempts <= 6
end
if redis.call('HGET', KEYS[2], 'e') ~= ARGV[1] then
    return {'AMNESIA'}
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if math.abs(now - ARGV[6]) > tonumber(ARGV[7]) then
    return {'SKEW', now - ARGV[6]}
end
local value, attempts, first = redis.pcall('GET', KEYS[1]), 0, now
if type(value) == 'table' then
    value = '' -- something else than a text
end
if value and not is_ours(value) then
    return {'UNKNOWN', value}
end
local known_fence = tonumber(string.match(ARGV[8], '^[WUP]|(%d+)|'))
if known_fence and not (value and string.sub(value, 1, 1) == 'S') then
    local fence = tonumber(value and string.match(value, '^%u|(%d+)|') or -1)
    if fence < known_fence or
        (fence == known_fence and string.match(value, '^[WU]') and string.sub(ARGV[8], 1, 1) == 'P') then
        value = ARGV[8] -- Redis has forgotten what came later, as RESTORE sees it
        if known_fence > tonumber(redis.call('HGET', KEYS[2], 'f') or 0) then
            redis.call('HSET', KEYS[2], 'f', string.format('%d', known_fence))
        end
    end
end
if value then
    local state = string.sub(value, 1, 1)
    if state == 'S' or state == 'X' or state == 'D' or state == 'H' then
        return {'DONE', value}
    end
    local _, deadline, tried, began, owner, fingerprint =
        string.match(value, '^%u|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
    deadline, attempts, first = tonumber(deadline), tonumber(tried), tonumber(began)
    if owner == ARGV[2] then
        return {'MINE', value}
    end
    if deadline > now then
        return {state == 'P' and 'LATER' or 'BUSY', deadline - now}
    end
    if state ~= 'P' then -- W or U whose lease is over: someone may have sent it
        local fence = redis.call('HINCRBY', KEYS[2], 'f', 1)
        redis.call('SET', KEYS[1], string.format('U|%d|%d|%d|%d|%s|%s', fence, now + ARGV[3], attempts + 1, first,
            ARGV[2], fingerprint), 'PX', ARGV[5])
        return {'AMBIG', fence, attempts + 1, now - first, fingerprint, first}
    end
    first = now -- parked: earlier attempts are proved not sent
end
local fence = redis.call('HINCRBY', KEYS[2], 'f', 1)
redis.call('SET', KEYS[1], string.format('W|%d|%d|%d|%d|%s|%s', fence, now + ARGV[3], attempts + 1, first, ARGV[2],
    ARGV[4]), 'PX', ARGV[5])
return {'GO', fence, attempts + 1, first}
