--[[
Opens the gate of a coupon whose winners are already in place: meta comes last. A gate that is open is left alone.

KEYS[1] meta      HASH, the gate; one that was shut still has the highest rank handed out
KEYS[2] registry  SET of the partition's coupon ids
KEYS[3] winners   HASH, user id -> record; only named so that all keys of the operation share one slot

ARGV[1] coupon id  ARGV[2] total  ARGV[3] opensAtMs  ARGV[4] closesAtMs (0: none)  ARGV[5] closed (0|1)
ARGV[6] revision of the campaign
ARGV[7] issued: highest rank handed out that MySQL knows of
ARGV[8] generation of the gate, as MySQL has it now
ARGV[9] identity of the server that the caller is connected to

Returns the highest rank handed out, after which ranks go on; -1 ALREADY_OPEN
]]
local ALREADY_OPEN = -1
local metaKey, registryKey = KEYS[1], KEYS[2]
local couponId, total, opensAtMs, closesAtMs, closed, revision = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local issued, generation, server = tonumber(ARGV[7]), ARGV[8], ARGV[9]
if not (tonumber(total) and tonumber(opensAtMs) and tonumber(closesAtMs) and tonumber(revision) and issued
  and tonumber(generation) and server) then
  return redis.error_reply('ERR openGate: wrong arguments')
end
local meta = redis.call('HMGET', metaKey, 'total', 'issued')
if meta[1] then return ALREADY_OPEN end
issued = math.max(issued, tonumber(meta[2]) or 0)
redis.call('SADD', registryKey, couponId)
redis.call('HSET', metaKey, 'total', total, 'opensAtMs', opensAtMs, 'closesAtMs', closesAtMs, 'closed', closed,
  'revision', revision, 'generation', generation, 'checked', server, 'issued', string.format('%.0f', issued))
redis.call('PERSIST', metaKey)
return issued
