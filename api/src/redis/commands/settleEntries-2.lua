#!lua flags=allow-oom
--[[
Done with entries that were written to MySQL, or to its dead letters: acknowledges and deletes them, and counts their
coupons out of the backlog. Also when Redis is full: this is what makes room.

KEYS[1] stream     STREAM of the partition
KEYS[2] undrained  HASH, coupon id -> coupons in the stream; `*`: of all coupons of the partition

ARGV[1] consumer group
ARGV[2…] three an entry: its id, its coupon's id, how many coupons it counts for (0: it was never counted)

Returns how many entries were there
]]
local streamKey, undrainedKey = KEYS[1], KEYS[2]
local group, FIRST = ARGV[1], 2
if not group or (#ARGV - FIRST + 1) % 3 ~= 0 then return redis.error_reply('ERR settleEntries: wrong arguments') end
local function countOut(field, count)
  local left = redis.call('HINCRBY', undrainedKey, field, -count)
  if left <= 0 then redis.call('HDEL', undrainedKey, field) end
end
local settled = 0
for i = FIRST, #ARGV, 3 do
  local id, couponId, count = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  redis.call('XACK', streamKey, group, id)
  local deleted = redis.call('XDEL', streamKey, id)
  settled = settled + deleted
  if deleted == 1 and count > 0 then
    countOut(couponId, count)
    countOut('*', count)
  end
end
-- Workers of an earlier version do not count out: an empty stream says that nothing is left to count.
if redis.call('XLEN', streamKey) == 0 then redis.call('UNLINK', undrainedKey) end
return settled
