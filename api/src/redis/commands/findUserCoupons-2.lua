--[[
What one user holds in one partition that MySQL may not have yet. A partition whose stream is empty is drained: MySQL
has all of it, so nothing is looked up.

KEYS[1] registry  SET of the partition's coupon ids
KEYS[2] stream    STREAM of the partition

ARGV[1] user id  ARGV[2] prefix of the winners keys, before the coupon id  ARGV[3] suffix, after it

Returns { couponId, record, … }; a record is "rank issuedAtMs attempt"
]]
local registryKey, streamKey = KEYS[1], KEYS[2]
local userId, prefix, suffix = ARGV[1], ARGV[2], ARGV[3]
local found = {}
if redis.call('XLEN', streamKey) == 0 then return found end
for _, couponId in ipairs(redis.call('SMEMBERS', registryKey)) do
  local record = redis.call('HGET', prefix .. couponId .. suffix, userId)
  if record then
    found[#found + 1] = couponId
    found[#found + 1] = record
  end
end
return found
