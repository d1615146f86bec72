--[[
Decides a batch of attempts on one coupon: gate, window, dedupe, stock, rank, and what was issued goes to the stream.
Lua does not roll back, so everything is read and checked before the first write.

KEYS[1] meta       HASH, the gate
KEYS[2] winners    HASH, user id -> "rank issuedAtMs attempt"
KEYS[3] stream     STREAM of the coupon's partition
KEYS[4] undrained  HASH, coupon id -> coupons in the stream; `*`: of all coupons of the partition

ARGV[1] coupon id
ARGV[2] most coupons the stream may hold before nothing more is issued
ARGV[3] 1: write even when nothing is issued, so that the WAIT that follows covers the record a replay relies on; else 0
ARGV[4] identity of the server that the caller is connected to
ARGV[5] highest rank of this coupon that the caller has seen; 0: none
ARGV[6] W3C traceparent of this batch, for the worker to go on from; empty: none
ARGV[7…] pairs: user id, attempt fingerprint

Returns { code, … }:
  { 0 }                      GATE_SHUT  not ready, says nothing about the coupon
  { 3 }                      UNCHECKED  the gate was not compared with MySQL since this server has its data: checkGate
  { 4 }                      STALE      the caller has seen a higher rank: this is an old copy
  { 2, nowMs, answer, … }    DECIDED    one answer an attempt, in order:
       string   the winner's record: this user holds a coupon already (replay or conflict: the caller compares attempts)
       > 0      ISSUED with this rank, at nowMs
         0      SOLD_OUT
        -1      ENDED         after the window, or closed by an operator
        -2      BACKLOG_FULL  nothing promised: the workers are too far behind
       other    NOT_OPEN      before the window: minus the time at which it opens, in ms
]]
local GATE_SHUT, DECIDED, UNCHECKED, STALE = 0, 2, 3, 4
local SOLD_OUT, ENDED, BACKLOG_FULL = 0, -1, -2
local ENTRY_VERSION = '2'
local NOTE_SECONDS = 3600

local metaKey, winnersKey, streamKey, undrainedKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local couponId, backlogMax, alwaysWrite = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local server, highestSeen = ARGV[4], tonumber(ARGV[5])
local traceFields = ARGV[6] ~= '' and { 'w', ARGV[6] } or {}
local FIRST_PAIR = 7
local attempts = (#ARGV - FIRST_PAIR + 1) / 2
if not backlogMax or not highestSeen or attempts < 1 or attempts % 1 ~= 0 then
  return redis.error_reply('ERR issueCoupons: wrong arguments')
end

local meta = redis.call('HMGET', metaKey, 'total', 'opensAtMs', 'closesAtMs', 'closed', 'issued', 'checked')
if not meta[1] then
  -- Whoever opens the gate again goes on after the highest rank that anybody was told of.
  if highestSeen > (tonumber(meta[5]) or 0) then
    redis.call('HSET', metaKey, 'issued', ARGV[5])
    -- Of an archived coupon nobody opens a gate again: such a note must not stay for ever.
    if not meta[5] then redis.call('EXPIRE', metaKey, NOTE_SECONDS) end
  end
  return { GATE_SHUT }
end
local total, opensAtMs, closesAtMs, issued = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3]), tonumber(meta[5])
if not (total and opensAtMs and closesAtMs and issued) then
  return redis.error_reply('ERR issueCoupons: damaged meta of coupon ' .. couponId)
end
if meta[6] ~= server then return { UNCHECKED } end
if issued < highestSeen then return { STALE } end

-- Redis's clock alone: replicas may disagree about the time, this one place cannot.
local time = redis.call('TIME')
local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A winner who asks again learns it whatever the window says now, so it refuses only those who hold nothing.
local refusal
if nowMs < opensAtMs then
  refusal = -opensAtMs
elseif meta[4] == '1' or (closesAtMs > 0 and nowMs >= closesAtMs) then
  refusal = ENDED
end

local users = {}
for i = 1, attempts do users[i] = ARGV[FIRST_PAIR + (i - 1) * 2] end
-- Before the first coupon nobody can hold one: who waits for the opening costs nothing more.
local records = issued > 0 and redis.call('HMGET', winnersKey, unpack(users)) or {}

local nowText = string.format('%.0f', nowMs)
local answers, newRecords, entryUsers, recordOf = { DECIDED, nowMs }, {}, {}, {}
local firstRank = issued + 1
for i = 1, attempts do
  local user = users[i]
  local record = records[i] or recordOf[user]
  local answer
  if record then
    answer = record
  elseif not refusal and issued < total then
    if #entryUsers == 0 and (tonumber(redis.call('HGET', undrainedKey, '*')) or 0) >= backlogMax then
      refusal = BACKLOG_FULL
      answer = refusal
    else
      local attempt = ARGV[FIRST_PAIR + (i - 1) * 2 + 1]
      issued = issued + 1
      answer = issued
      record = string.format('%.0f', issued) .. ' ' .. nowText .. ' ' .. attempt
      recordOf[user] = record
      newRecords[#newRecords + 1] = user
      newRecords[#newRecords + 1] = record
      entryUsers[#entryUsers + 1] = user .. '\t' .. attempt
    end
  else
    answer = refusal or SOLD_OUT
  end
  answers[i + 2] = answer
end

if #entryUsers > 0 then
  redis.call('HSET', winnersKey, unpack(newRecords))
  redis.call('HSET', metaKey, 'issued', string.format('%.0f', issued))
  redis.call('XADD', streamKey, '*', 'v', ENTRY_VERSION, 'c', couponId, 't', nowText, 'r',
    string.format('%.0f', firstRank), 'u', table.concat(entryUsers, '\n'), unpack(traceFields))
  redis.call('HINCRBY', undrainedKey, couponId, #entryUsers)
  redis.call('HINCRBY', undrainedKey, '*', #entryUsers)
elseif alwaysWrite then
  redis.call('HSET', metaKey, 'issued', meta[5])
end
return answers
