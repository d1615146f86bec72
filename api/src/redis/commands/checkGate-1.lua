#!lua flags=allow-oom
--[[
Compares a gate with what MySQL knows of its coupon, and marks it as checked on this server, or shuts it: a gate of an
older generation, or with a counter behind a rank that somebody has, belongs to an old copy of Redis. Also when Redis is full.

KEYS[1] meta  HASH, the gate

ARGV[1] identity of the server that the caller is connected to
ARGV[2] generation of the gate in MySQL, read before this call
ARGV[3] highest rank that MySQL, or the caller, knows of, read before this call

Returns { code, generation of the gate }:
  { 0, … }  SHUT     there was nothing to check
  { 1, … }  CHECKED  it may issue; a generation above MySQL's is for the caller to write there
  { 2, … }  STALE    it was open and is shut now
]]
local SHUT, CHECKED, STALE = 0, 1, 2
local metaKey = KEYS[1]
local server, generation, highest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not (server and generation and highest) then return redis.error_reply('ERR checkGate: wrong arguments') end
local meta = redis.call('HMGET', metaKey, 'total', 'generation', 'issued')
local has, issued = tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
if not meta[1] then return { SHUT, has } end
if has >= generation and issued >= highest then
  redis.call('HSET', metaKey, 'checked', server)
  return { CHECKED, has }
end
redis.call('HDEL', metaKey, 'total', 'checked')
redis.call('HSET', metaKey, 'issued', string.format('%.0f', math.max(issued, highest)))
return { STALE, has }
