#!lua flags=allow-oom
--[[
Brings an open gate in line with the campaign in MySQL. Atomic with issuing. An update older than the one the gate has
changes nothing. Also when Redis is full: closing a campaign must always be possible.

KEYS[1] meta  HASH, the gate

ARGV[1] total  ARGV[2] opensAtMs  ARGV[3] closesAtMs (0: none)  ARGV[4] closed (0|1)  ARGV[5] revision of the campaign

Returns 1 UPDATED (or newer already), 0 GATE_SHUT (nothing to update: the gate keeper opens it from MySQL)
]]
local GATE_SHUT, UPDATED = 0, 1
local metaKey = KEYS[1]
local total, opensAtMs, closesAtMs, closed, revision = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if not (total and tonumber(opensAtMs) and tonumber(closesAtMs) and revision) then
  return redis.error_reply('ERR updateGate: wrong arguments')
end
local current = redis.call('HMGET', metaKey, 'total', 'closed', 'revision')
if not current[1] then return GATE_SHUT end
if revision < (tonumber(current[3]) or 0) then return UPDATED end
-- MySQL never lowers these two. Should it be an old copy, what users were told stays true.
if tonumber(current[1]) > total then total = tonumber(current[1]) end
if current[2] == '1' then closed = '1' end
redis.call('HSET', metaKey, 'total', string.format('%.0f', total), 'opensAtMs', opensAtMs, 'closesAtMs', closesAtMs,
  'closed', closed, 'revision', string.format('%.0f', revision))
return UPDATED
