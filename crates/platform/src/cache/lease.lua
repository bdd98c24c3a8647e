-- Takes a lease on a key, or shares the one that somebody else holds. A value under the key is replaced.
-- KEYS[1] the key; ARGV[1] the lease; ARGV[2] how long it holds, in ms. Answers the lease that holds.
local present = redis.call('GET', KEYS[1])
if present and cjson.decode(present).lease then
  return present
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
