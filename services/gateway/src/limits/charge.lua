-- Reads a session and counts one request against some limits, in one round trip.
-- KEYS[1] is the session's key, the others are limits. ARGV holds for each limit its burst and its interval in
-- microseconds. Answers { session, { remaining, reset, retry, remaining, reset, retry, ... } }, the times in
-- microseconds; retry is 0 where the limit allows the request. Nothing is counted when any limit refuses.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local session = KEYS[1] ~= 'session:' and redis.call('GET', KEYS[1])
local standings = {}
local arrivals = {}
local refused = false

for index = 2, #KEYS do
  local burst = tonumber(ARGV[index * 2 - 3])
  local interval = tonumber(ARGV[index * 2 - 2])
  local arrival = math.max(tonumber(redis.call('GET', KEYS[index]) or 0), now) + interval
  local retry = arrival - burst * interval - now
  local remaining, reset = 0, arrival - interval - now
  if retry > 0 then
    refused = true
  else
    arrivals[index] = arrival
    remaining, reset, retry = math.floor(-retry / interval), arrival - now, 0
  end
  table.insert(standings, remaining)
  table.insert(standings, reset)
  table.insert(standings, retry)
end

if not refused then
  for index, arrival in pairs(arrivals) do
    redis.call('SET', KEYS[index], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
  end
end
return { session or '', standings }
