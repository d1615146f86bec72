--[[
Decides a batch of attempts on one coupon: gate, window, dedupe, stock, rank, and what was issued goes to the stream.
Lua does not roll back, so everything is read and checked before the first write.

KEYS[1] meta     HASH, the gate
KEYS[2] winners  HASH, user id -> "rank issuedAtMs attempt"
KEYS[3] stream   STREAM of the coupon's partition

ARGV[1] coupon id
ARGV[2] most entries the stream may hold before nothing more is issued
ARGV[3] 1: write even when nothing is issued, so that the WAIT that follows covers the record a replay relies on; else 0
ARGV[4…] pairs: user id, attempt fingerprint

Returns { code, … }:
  { 0 }                      GATE_SHUT  no meta: not ready, says nothing about the coupon
  { 1, opensAtMs, nowMs }    NOT_OPEN   before the window; nobody can have won yet
  { 2, nowMs, answer, … }    DECIDED    one answer an attempt, in order:
       string   the winner's record: this user holds a coupon already (replay or conflict: the caller compares attempts)
       > 0      ISSUED with this rank, at nowMs
         0      SOLD_OUT
        -1      ENDED         after the window, or closed by an operator
        -2      BACKLOG_FULL  nothing promised: the workers are too far behind
]]
local GATE_SHUT, NOT_OPEN, DECIDED = 0, 1, 2
local SOLD_OUT, ENDED, BACKLOG_FULL = 0, -1, -2

local metaKey, winnersKey, streamKey = KEYS[1], KEYS[2], KEYS[3]
local couponId, backlogMax, alwaysWrite = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local FIRST_PAIR = 4
local attempts = (#ARGV - FIRST_PAIR + 1) / 2
if not backlogMax or attempts < 1 or attempts % 1 ~= 0 then
  return redis.error_reply('ERR issueCoupons: wrong arguments')
end

local meta = redis.call('HMGET', metaKey, 'total', 'opensAtMs', 'closesAtMs', 'closed', 'issued')
if not meta[1] then return { GATE_SHUT } end
local total, opensAtMs, closesAtMs, issued = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3]), tonumber(meta[5])
if not (total and opensAtMs and closesAtMs and issued) then
  return redis.error_reply('ERR issueCoupons: damaged meta of coupon ' .. couponId)
end

-- Redis's clock alone: replicas may disagree about the time, this one place cannot.
local time = redis.call('TIME')
local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if nowMs < opensAtMs then return { NOT_OPEN, opensAtMs, nowMs } end

-- A winner who asks again learns it even after the end, so the window refuses only those who hold nothing.
local refusal
if meta[4] == '1' or (closesAtMs > 0 and nowMs >= closesAtMs) then refusal = ENDED end

local users = {}
for i = 1, attempts do users[i] = ARGV[FIRST_PAIR + (i - 1) * 2] end
local records = redis.call('HMGET', winnersKey, unpack(users))

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
    if #entryUsers == 0 and redis.call('XLEN', streamKey) >= backlogMax then
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
  redis.call('XADD', streamKey, '*', 'c', couponId, 't', nowText, 'r', string.format('%.0f', firstRank),
    'u', table.concat(entryUsers, '\n'))
elseif alwaysWrite then
  redis.call('HSET', metaKey, 'issued', meta[5])
end
return answers
