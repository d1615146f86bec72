--[[
What users hold in one partition that MySQL may not have yet: looked up only in the coupons that have something in the
stream. Of the others MySQL has everything.

KEYS[1] undrained  HASH, coupon id -> coupons in the stream; `*`: of all coupons of the partition

ARGV[1] prefix of the winners keys, before the coupon id  ARGV[2] suffix, after it
ARGV[3…] user ids

Returns { couponId, records, … }: for each such coupon its id and one record a user, in order; false: holds none.
A record is "rank issuedAtMs attempt"
]]
local undrainedKey = KEYS[1]
local prefix, suffix, FIRST = ARGV[1], ARGV[2], 3
local users = {}
for i = FIRST, #ARGV do users[#users + 1] = ARGV[i] end
local found = {}
if #users == 0 then return found end
for _, couponId in ipairs(redis.call('HKEYS', undrainedKey)) do
  if couponId ~= '*' then
    found[#found + 1] = couponId
    found[#found + 1] = redis.call('HMGET', prefix .. couponId .. suffix, unpack(users))
  end
end
return found
