-- TOKENS: a rate limit shared by all workers: the generic cell rate algorithm, leased in small batches.
--
-- KEYS  1 theoretical arrival time, us   2 shared "not before", us (set by NOT_BEFORE)
-- ARGV  1 us between two tokens   2 burst, us   3 wanted
--
-- Answers  {granted, us until it is worth asking again}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local not_before = tonumber(redis.call('GET', KEYS[2]) or 0)
if not_before > now then
    return {0, not_before - now}
end
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + burst)
local granted = math.min(math.floor((now + burst - arrival) / interval), tonumber(ARGV[3]))
if granted < 1 then
    return {0, arrival + interval - burst - now}
end
redis.call('SET', KEYS[1], string.format('%d', arrival + granted * interval), 'PX',
    math.ceil((burst + granted * interval) / 1000) + 1000)
return {granted, 0}
