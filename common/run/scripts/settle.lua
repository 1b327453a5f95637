#!lua flags=allow-oom
-- SETTLE: record what a claim came to. Allowed when Redis is full, so that finished work is always recorded.
--
-- KEYS  1 record   2 guard of the shard   (same hash tag)
-- ARGV  1 fence   2 state: S X D H (terminal), P (proved not sent), U (unknown, to be reconciled)
--       3 provider id or reason   4 ttl ms   5 delay ms (P: not before, U: nobody takes it before)
--       6 epoch   7 '1' with a claim, '0' for an outcome without an attempt
--
-- Answers  OK · KEEP (it is S already, and stays) · STALE_SENT (recorded S over a younger claim) ·
--          STALE (a younger claim or a terminal state stands; nothing changed) ·
--          UNKNOWN (a record of a later version stands, or a broken one and this is not S; nothing changed) ·
--          AMNESIA (what this is built on has been forgotten; what was sent is recorded in any case)
-- A record of this version, as claim_record_parse() reads it? The same in begin.lua, restore.lua.
local function is_ours(value)
    local fence = string.match(value, '^[SXDH]|(%d+)|')
    local open, deadline, attempts, first = string.match(value, '^[WUP]|(%d+)|(%d+)|(%d+)|(%d+)|[^|]*|')
    return fence and #fence <= 18 or open and math.max(#open, #deadline, #first) <= 18 and #attempts <= 6
end
local value, state = redis.pcall('GET', KEYS[1]), ARGV[2]
if type(value) == 'table' then
    value = '' -- something else than a text
end
local current = value and string.sub(value, 1, 1) or ''
local is_on_nothing = ARGV[7] == '0' or (not value and (state == 'P' or state == 'U'))
if is_on_nothing and redis.call('HGET', KEYS[2], 'e') ~= ARGV[6] then
    return 'AMNESIA'
end
if value and not is_ours(value) then
    if state ~= 'S' or string.match(value, '^[WUPSXDH]%d') then
        return 'UNKNOWN'
    end
    value, current = false, ''
end
if current == 'S' then -- SENT is the top of the lattice
    return 'KEEP'
end
local is_stale = tonumber(value and string.match(value, '^%u|(%d+)|') or 0) > tonumber(ARGV[1])
if state == 'S' then
    redis.call('SET', KEYS[1], 'S|' .. ARGV[1] .. '|' .. ARGV[3], 'PX', ARGV[4])
    return is_stale and 'STALE_SENT' or 'OK'
end
if current == state and string.match(value, '^%u|(%d+)|') == ARGV[1] and state ~= 'P' and state ~= 'U' then
    return 'OK' -- this very call was executed before
end
if is_stale or current == 'X' or current == 'D' or current == 'H' then
    return 'STALE'
end
if state ~= 'P' and state ~= 'U' then
    redis.call('SET', KEYS[1], state .. '|' .. ARGV[1] .. '|' .. ARGV[3], 'PX', ARGV[4])
    return 'OK'
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local _, _, attempts, first, _, fingerprint =
    string.match(value or '', '^%u|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
-- Whoever settles lives: only begins that were never settled count as attempts of a message that kills its workers.
redis.call('SET', KEYS[1], string.format('%s|%s|%d|%d|%s||%s', state, ARGV[1], now + ARGV[5],
    math.max(tonumber(attempts or '1') - 1, 0),
    first or string.format('%d', now), fingerprint or ''), 'PX', ARGV[4])
return 'OK'
