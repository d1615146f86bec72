--[[
Opens the gate of a coupon whose winners are already in place: meta comes last. A gate that is there is left alone.

KEYS[1] meta      HASH, the gate
KEYS[2] registry  SET of the partition's coupon ids
KEYS[3] winners   HASH, user id -> record; only named so that all keys of the operation share one slot

ARGV[1] coupon id  ARGV[2] total  ARGV[3] opensAtMs  ARGV[4] closesAtMs (0: none)  ARGV[5] closed (0|1)
ARGV[6] issued: highest rank handed out so far

Returns 1 OPENED, 0 ALREADY_OPEN
]]
local ALREADY_OPEN, OPENED = 0, 1
local metaKey, registryKey = KEYS[1], KEYS[2]
local couponId, total, opensAtMs, closesAtMs, closed, issued = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if not (tonumber(total) and tonumber(opensAtMs) and tonumber(closesAtMs) and tonumber(issued)) then
  return redis.error_reply('ERR openGate: wrong arguments')
end
if redis.call('EXISTS', metaKey) == 1 then return ALREADY_OPEN end
redis.call('SADD', registryKey, couponId)
redis.call('HSET', metaKey, 'total', total, 'opensAtMs', opensAtMs, 'closesAtMs', closesAtMs, 'closed', closed,
  'issued', issued)
return OPENED
