import { toPartition, streamKey } from '../../api/src/redis/keys.js';
import { waitUntil } from '../../common/wait-until.js';
import { readMetric } from '../read-metric.js';
import { withRedis } from '../redis-link.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';
import type { TestEnvironment } from '../environment.js';

/** Of the first entry beyond the stock. */
const BEYOND_RANK = 5_000_000;
const EARLIER_MS = 1_700_000_000_000;

/** Entries that no worker can write, each in its own way; a good row beside a bad one must not be lost with it. */
function makePoison({ couponId, random }: ScenarioRun, serial: number): [string, string[]][] {
  const user = `poison${serial}`;
  const entry = (rank: number, users: string, coupon = couponId): string[] => [
    'c',
    `${coupon}`,
    't',
    `${EARLIER_MS}`,
    'r',
    `${rank}`,
    'u',
    users,
  ];
  return random.shuffle([
    ['not an entry', ['hello', 'world']],
    ['no users', ['c', `${couponId}`, 't', `${EARLIER_MS}`, 'r', '1', 'u', '']],
    ['a rank that somebody else has', entry(1, `${user}\tx`)],
    ['a rank beyond the stock', entry(BEYOND_RANK + serial, `${user}\tx`)],
    ['a user id that is too long', entry(6_000_000 + serial, `${'u'.repeat(65)}\tx`)],
    ['a coupon that does not exist', entry(1, `${user}\tx`, couponId + 16_000_000)],
  ]);
}

const ROUNDS = 2;

export const poison: FaultScenario = {
  number: 15,
  fault: 'poison entries in the middle of a burst',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 10_000,
  modes: ['native'],
  clientsNoticeNothing: true,
  async execute(run) {
    const { environment, client, couponId, inject, pause, expectDeadLetters } = run;
    alarmsBefore = await readAlarms(environment);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [what, fields] of makePoison(run, round)) {
        await pause(50, 600);
        await inject(what, async () => {
          await withRedis(environment.stack, (redis) =>
            redis.xadd(streamKey(toPartition(couponId)), '*', ...fields),
          );
        });
        expectDeadLetters(1);
        await client.moreDecided(50);
      }
    }
  },
  async check(run) {
    return [...(await checkAlarm(run)), ...(await checkOperator(run))];
  },
};

const LETTERS = ROUNDS * 6;

interface Letter {
  id: string;
  reason: string;
  rows: { userId: string; rank: number; reason: string }[];
}

interface Alarms {
  deadLetters: number;
  contradictions: number;
}

/** Of earlier scenarios and runs. Only one scenario runs at a time. */
let alarmsBefore: Alarms = { deadLetters: 0, contradictions: 0 };

const readAlarms = async ({ stack }: TestEnvironment): Promise<Alarms> => ({
  deadLetters: await readMetric(stack, 'worker-1', 'coupon_dead_letters'),
  contradictions: await readMetric(stack, 'worker-1', 'coupon_drain_contradictions_total'),
});

/** The worker's metrics say that somebody has to look. */
async function checkAlarm({ environment }: ScenarioRun): Promise<string[]> {
  const { deadLetters, contradictions } = await readAlarms(environment);
  const faults: string[] = [];
  if (deadLetters - alarmsBefore.deadLetters !== LETTERS)
    faults.push('coupon_dead_letters does not show the dead letters');
  if (!(contradictions - alarmsBefore.contradictions >= ROUNDS)) {
    faults.push('coupon_drain_contradictions_total does not show the contradictions');
  }
  return faults;
}

/** What an operator does: look, mend the cause and replay, or drop. */
async function checkOperator({ environment, couponId, note }: ScenarioRun): Promise<string[]> {
  const before = await listLetters(environment);
  const mendable = before.find(({ rows }) => rows[0]?.rank === BEYOND_RANK && rows[0].userId === 'poison0');
  const useless = before.find(({ reason }) => reason === 'malformed');
  const expected = alarmsBefore.deadLetters + LETTERS;
  if (before.length !== expected || !mendable || !useless)
    return [`${before.length} dead letters are listed, not ${expected}`];
  await environment.operator.change(couponId, { total: BEYOND_RANK });
  await letters(environment, 'replay', '--id', mendable.id);
  await letters(environment, 'drop', '--id', useless.id);
  const written = async () =>
    (await environment.readFacts(couponId)).mysql.some(({ rank }) => rank === BEYOND_RANK);
  await waitUntil(written, { what: 'the replayed entry is in MySQL', timeoutMs: 20_000, intervalMs: 500 });
  const after = await listLetters(environment);
  note(
    `dead letters: ${before.length} listed, one replayed after its cause was gone, one dropped, ${after.length} left`,
  );
  return after.length === before.length - 2
    ? []
    : [`${after.length} dead letters are left of ${before.length}`];
}

async function listLetters(environment: TestEnvironment): Promise<Letter[]> {
  return (await letters(environment, 'list')).map((line) => JSON.parse(line) as Letter);
}

async function letters(environment: TestEnvironment, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await environment.stack.ops(['dead-letters', ...args], { onLine: (line) => lines.push(line) });
  return lines;
}
