--[[
Brings an open gate in line with the campaign in MySQL. Atomic with issuing. The stock only rises and a closed campaign
stays closed, so updates that arrive in the wrong order do no harm.

KEYS[1] meta  HASH, the gate

ARGV[1] total  ARGV[2] opensAtMs  ARGV[3] closesAtMs (0: none)  ARGV[4] closed (0|1)

Returns 1 UPDATED, 0 GATE_SHUT (nothing to update: the gate keeper opens it from MySQL)
]]
local GATE_SHUT, UPDATED = 0, 1
local metaKey = KEYS[1]
local total, opensAtMs, closesAtMs, closed = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
if not (total and tonumber(opensAtMs) and tonumber(closesAtMs)) then
  return redis.error_reply('ERR updateGate: wrong arguments')
end
local current = redis.call('HMGET', metaKey, 'total', 'closed')
if not current[1] then return GATE_SHUT end
if tonumber(current[1]) > total then total = tonumber(current[1]) end
if current[2] == '1' then closed = '1' end
redis.call('HSET', metaKey, 'total', string.format('%.0f', total), 'opensAtMs', opensAtMs, 'closesAtMs', closesAtMs,
  'closed', closed)
return UPDATED
