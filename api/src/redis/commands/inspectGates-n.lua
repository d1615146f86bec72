--[[
What the gate keeper needs to know of many gates of one partition, in one call.

KEYS[1…] meta  HASHes, the gates

ARGV[1] identity of the server that the caller is connected to

Returns three numbers a gate, in order: highest rank handed out, -1 when it is shut; revision of the campaign, -1 when it
has none; 1 when it is checked on this server, else 0
]]
local found = {}
for i = 1, #KEYS do
  local meta = redis.call('HMGET', KEYS[i], 'total', 'issued', 'revision', 'checked')
  found[#found + 1] = meta[1] and tonumber(meta[2]) or -1
  found[#found + 1] = tonumber(meta[3]) or -1
  found[#found + 1] = meta[4] == ARGV[1] and 1 or 0
end
return found
