import { partitionOf, streamKey } from '../../api/src/redis/keys.js';
import { withRedis } from '../redis-link.js';
import type { RowPlan, Scene } from '../row.js';
import { open } from './open-scene.js';

const EARLIER_MS = 1_700_000_000_000;

/** Entries that no worker can write, each in its own way; a good row beside a bad one must not be lost with it. */
function poisonOf({ couponId, random }: Scene, serial: number): [string, string[]][] {
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
    ['a rank beyond the stock', entry(5_000_000 + serial, `${user}\tx`)],
    ['a user id that is too long', entry(6_000_000 + serial, `${'u'.repeat(65)}\tx`)],
    ['a coupon that does not exist', entry(1, `${user}\tx`, couponId + 16_000_000)],
  ]);
}

const ROUNDS = 2;

export const poison: RowPlan = {
  number: 15,
  fault: 'poison entries in the middle of a burst',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 10_000,
  modes: ['native'],
  clientsNoticeNothing: true,
  async play(given) {
    const scene = open(given);
    const { world, client, couponId, inject, pause, expectDeadLetters } = scene;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [what, fields] of poisonOf(scene, round)) {
        await pause(50, 600);
        await inject(what, async () => {
          await withRedis(world.stack, (redis) =>
            redis.xadd(streamKey(partitionOf(couponId)), '*', ...fields),
          );
        });
        expectDeadLetters(1);
        await client.moreDecided(50);
      }
    }
  },
  async check(given) {
    const { world, note } = open(given);
    return await listReplayDiscard(world.stack.ops.bind(world.stack), note);
  },
};

type Ops = (args: readonly string[], options: { onLine: (line: string) => void }) => Promise<void>;

/** What an operator does about them. */
async function listReplayDiscard(ops: Ops, note: (line: string) => void): Promise<string[]> {
  const lines: string[] = [];
  await ops(['dead-letters', 'list'], { onLine: (line) => lines.push(line) });
  note(`dead-letters list: ${lines.length} lines`);
  return lines.length >= ROUNDS * 6
    ? []
    : [`dead-letters list shows ${lines.length} lines, not ${ROUNDS * 6} letters`];
}
