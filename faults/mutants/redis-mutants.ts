import type { Mutant, Selection } from './mutant.js';

const ISSUE = 'api/src/redis/commands/issueCoupons-4.lua';
const GATE = 'api/src/redis/redis-gate.ts';
const FENCE = 'api/src/redis/commands/checkGate-1.lua';

const lua = (title: string): Selection => ({
  kind: 'integration',
  file: 'api/test/integration/lua-commands.test.ts',
  title,
});
const issueRoute = (title: string): Selection => ({
  kind: 'integration',
  file: 'api/test/integration/issue-route.test.ts',
  title,
});
const confirmed = (title: string): Selection => ({
  kind: 'integration',
  file: 'faults/test/integration/confirmed.test.ts',
  title,
});
const staleRedis = (title: string): Selection => ({
  kind: 'integration',
  file: 'api/test/integration/stale-redis.test.ts',
  title,
});

/** Where coupons are decided. */
export const REDIS_MUTANTS: readonly Mutant[] = [
  {
    name: 'stock off by one',
    edits: [
      {
        file: ISSUE,
        find: 'elseif not refusal and issued < total then',
        replace: 'elseif not refusal and issued <= total then',
      },
    ],
    noticedBy: lua('answers SOLD_OUT to whoever comes after the last one'),
  },
  {
    name: 'dedupe skipped',
    edits: [
      {
        file: ISSUE,
        find: 'local record = records[i] or recordOf[user]',
        replace: 'local record = recordOf[user]',
      },
    ],
    noticedBy: lua('answers with the record of a user who holds one already'),
  },
  {
    name: 'dedupe within one batch skipped',
    edits: [
      {
        file: ISSUE,
        find: 'local record = records[i] or recordOf[user]',
        replace: 'local record = records[i]',
      },
    ],
    noticedBy: lua('issues once when the same user is twice in one batch'),
  },
  {
    name: "window by the replica's clock",
    edits: [
      {
        file: GATE,
        find: 'const args: (string | number)[] = [couponId, backlogMaxCoupons,',
        replace: 'const args: (string | number)[] = [couponId, `${backlogMaxCoupons}e0;${Date.now()}`,',
      },
      {
        file: ISSUE,
        find: 'backlogMax, alwaysWrite = ARGV[1], tonumber(ARGV[2]),',
        replace: "backlogMax, alwaysWrite = ARGV[1], tonumber((string.gsub(ARGV[2], ';.*', ''))),",
      },
      {
        file: ISSUE,
        find: 'local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)',
        replace: "local nowMs = time and tonumber(string.match(ARGV[2], ';(%d+)'))",
      },
    ],
    noticedBy: issueRoute('is that of Redis, whatever the clock of a replica says'),
  },
  {
    name: 'closed flag ignored',
    edits: [
      {
        file: ISSUE,
        find: "elseif meta[4] == '1' or (closesAtMs",
        replace: "elseif meta[4] == '2' or (closesAtMs",
      },
    ],
    noticedBy: lua('answers ENDED when it was closed'),
  },
  {
    name: 'closed flag ignored, seen from outside',
    edits: [
      {
        file: ISSUE,
        find: "elseif meta[4] == '1' or (closesAtMs",
        replace: "elseif meta[4] == '2' or (closesAtMs",
      },
    ],
    noticedBy: { kind: 'scenario', scenario: 16 },
  },
  {
    name: 'end of the window ignored',
    edits: [{ file: ISSUE, find: 'and nowMs >= closesAtMs) then', replace: 'and nowMs < opensAtMs) then' }],
    noticedBy: lua('answers ENDED after the window'),
  },
  {
    name: 'backlog limit ignored',
    edits: [{ file: ISSUE, find: 'or 0) >= backlogMax then', replace: 'or 0) >= math.huge then' }],
    noticedBy: lua('answers BACKLOG_FULL when the stream is full'),
  },
  {
    name: 'backlog never counted',
    edits: [
      {
        file: ISSUE,
        find: "redis.call('HINCRBY', undrainedKey, '*', #entryUsers)",
        replace: "redis.call('HINCRBY', undrainedKey, '*', 0)",
      },
    ],
    noticedBy: {
      kind: 'integration',
      file: 'faults/test/integration/backlog.test.ts',
      title: 'nothing more is promised',
    },
  },
  {
    name: 'written before it is checked',
    edits: [
      {
        file: ISSUE,
        find: "local meta = redis.call('HMGET', metaKey,",
        replace:
          "redis.call('XADD', streamKey, '*', 'c', couponId)\nlocal meta = redis.call('HMGET', metaKey,",
      },
    ],
    noticedBy: lua('answers GATE_SHUT and writes nothing'),
  },
  {
    name: 'winner not remembered',
    edits: [
      {
        file: ISSUE,
        find: "redis.call('HSET', winnersKey, unpack(newRecords))",
        replace: "redis.call('HSETNX', winnersKey, newRecords[1], newRecords[2])",
      },
    ],
    noticedBy: lua('gives ranks in order, remembers the winners'),
  },
  {
    name: 'counter not written',
    edits: [
      {
        file: ISSUE,
        find: "redis.call('HSET', metaKey, 'issued', string.format('%.0f', issued))",
        replace: "redis.call('HSET', metaKey, 'issued', meta[5])",
      },
    ],
    noticedBy: issueRoute('of 1,000 users for 100 coupons'),
  },
  {
    name: 'fence removed: an unchecked gate issues',
    edits: [
      {
        file: ISSUE,
        find: 'if meta[6] ~= server then return { UNCHECKED } end',
        replace: 'if not server then return { UNCHECKED } end',
      },
    ],
    noticedBy: staleRedis('issues nothing through a replica that has seen nothing'),
  },
  {
    name: 'fence removed: higher ranks seen before are ignored',
    edits: [
      {
        file: ISSUE,
        find: 'if issued < highestSeen then return { STALE } end',
        replace: 'if issued < 0 then return { STALE } end',
      },
    ],
    noticedBy: staleRedis('is not believed by the replica that has seen higher ranks'),
  },
  {
    name: 'fence removed: a gate behind MySQL counts as checked',
    edits: [
      {
        file: FENCE,
        find: 'if has >= generation and issued >= highest then',
        replace: 'if has >= generation then',
      },
    ],
    noticedBy: staleRedis('issues nothing through a replica that has seen nothing'),
  },
  {
    name: 'fence removed: a gate of an older generation counts as checked',
    edits: [
      {
        file: FENCE,
        find: 'if has >= generation and issued >= highest then',
        replace: 'if issued >= highest then',
      },
    ],
    noticedBy: staleRedis('with a gate of an older generation issues nothing'),
  },
  {
    name: 'a shut gate forgets the highest rank',
    edits: [
      {
        file: FENCE,
        find: "string.format('%.0f', math.max(issued, highest))",
        replace: "'0'",
      },
    ],
    noticedBy: lua('highest'),
  },
  {
    name: 'an open gate is opened again',
    edits: [
      {
        file: 'api/src/redis/commands/openGate-3.lua',
        find: 'if meta[1] then return ALREADY_OPEN end',
        replace: 'if not couponId then return ALREADY_OPEN end',
      },
    ],
    noticedBy: lua('answers ALREADY_OPEN and leaves an open gate alone'),
  },
  {
    name: 'an older update reopens a closed campaign',
    edits: [
      {
        file: 'api/src/redis/commands/updateGate-1.lua',
        find: "if current[2] == '1' then closed = '1' end",
        replace: "if current[2] == '2' then closed = '1' end",
      },
    ],
    noticedBy: lua('never lowers the stock and never reopens a closed campaign'),
  },
  {
    name: 'revision of an update ignored',
    edits: [
      {
        file: 'api/src/redis/commands/updateGate-1.lua',
        find: 'if revision < (tonumber(current[3]) or 0) then',
        replace: 'if revision < 0 then',
      },
    ],
    noticedBy: lua('an older update changes nothing'),
  },
  {
    name: 'WAIT removed in the api',
    edits: [
      {
        file: GATE,
        find: 'if (minReplicas > 0) await this.#confirm(connection);',
        replace: 'if (minReplicas > 99) await this.#confirm(connection);',
      },
    ],
    noticedBy: confirmed('answers neither a new issue nor its replay'),
  },
  {
    name: 'a replay relies on a record that no replica confirmed',
    edits: [{ file: GATE, find: 'minReplicas > 0 ? 1 : 0]', replace: 'minReplicas > 99 ? 1 : 0]' }],
    noticedBy: confirmed('answers neither a new issue nor its replay'),
    redisSince: 7.2,
  },
  {
    name: 'replay answered 409',
    edits: [
      {
        file: GATE,
        find: 'return winning === fingerprint\n',
        replace: "return winning === '' && fingerprint === ''\n",
      },
    ],
    noticedBy: issueRoute('is replayed for the same'),
  },
  {
    name: 'unknown outcome called not ready',
    edits: [
      {
        file: GATE,
        find: "return { kind: 'outcomeUnknown' };",
        replace: "return { kind: 'notReady', reason: 'redisUnavailable' };",
      },
    ],
    noticedBy: {
      kind: 'integration',
      file: 'api/test/integration/issue-faults.test.ts',
      title: 'the answer is 503 outcome-unknown in time',
    },
  },
];
