#!lua flags=allow-oom
--[[
Makes the consumer group of a stream, and the stream, unless they are there. From the beginning of the stream, so that
nothing written before is passed over. Also when Redis is full: without a group nothing can be drained.

KEYS[1] stream  STREAM of a partition

ARGV[1] consumer group

Returns 1 MADE, 0 ALREADY_THERE
]]
local ALREADY_THERE, MADE = 0, 1
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.ok then return MADE end
if string.find(made.err, 'BUSYGROUP', 1, true) then return ALREADY_THERE end
return made
