-- Keeps a value, unless the key was dropped, or leased again, since the lease was taken.
-- KEYS[1] the key; ARGV[1] the lease; ARGV[2] the value; ARGV[3] how long it is kept, in ms.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
