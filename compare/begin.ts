import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { projectRoot } from '../common/paths.js';
import { describeEnvironment } from '../loadtest/result.js';
import { chooseCap } from './choose-cap.js';
import { planOf, type Bench, type Load } from './context.js';
import type { CompareOptions } from './options.js';
import { remaining } from './order.js';
import { describeCap } from './report/format.js';
import { nextRate } from './step-load.js';
import { ComparisonStore } from './store.js';
import type { Asked, ComparisonRecord, StoredComparison } from './types.js';

/** `dabd9f3`, or `dabd9f3+1a2b3c4` with changes that are not committed; `unknown` without git. */
export function codeVersion(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: projectRoot, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e9 });
    const commit = git('rev-parse', '--short', 'HEAD').toString().trim();
    const changes = git('diff', 'HEAD');
    if (changes.length === 0) return commit;
    return `${commit}+${createHash('sha256').update(changes).digest('hex').slice(0, 7)}`;
  } catch {
    return 'unknown';
  }
}

const askedOf = ({ command, apiCpus, users, rate }: CompareOptions): Asked => ({
  command,
  apiCpus,
  users,
  rate,
});

const isFinished = ({ comparison, runs, capacity }: StoredComparison): boolean =>
  remaining(comparison, runs).length === 0 &&
  (comparison.asked?.command !== 'step' ||
    comparison.replicas.every((count) => nextRate(capacity?.steps ?? [], count, 1) === null));

/**
 * The newest comparison that was begun with the same options, in the same mode and on the same code, if it was
 * interrupted.
 *
 * @param stored oldest first
 * @param code as `codeVersion` has it; of unknown code nothing goes on
 */
export function unfinished(
  stored: readonly StoredComparison[],
  options: CompareOptions,
  mode: ComparisonRecord['mode'],
  code: string,
): StoredComparison | null {
  const same = stored.findLast(
    ({ comparison }) =>
      code !== 'unknown' &&
      comparison.code === code &&
      comparison.mode === mode &&
      comparison.scenario === options.scenario &&
      comparison.rounds === options.rounds &&
      isDeepStrictEqual(comparison.replicas, options.replicas) &&
      isDeepStrictEqual(comparison.asked, askedOf(options)),
  );
  return same && !isFinished(same) ? same : null;
}

/**
 * In flight for each replica, the same for every count: enough that a replica with an empty queue is rare, also after the
 * pause that its cap makes.
 */
const IN_FLIGHT = 64;
const PEAK_USERS = 5_000;
const ARRIVALS = 200;

/** What was asked for, or the scenario's own numbers. */
export function loadFor({ scenario, users, rate }: CompareOptions): Load {
  switch (scenario) {
    case 'saturate':
      return { scenario, users: users ?? IN_FLIGHT };
    case 'arrival':
      return { scenario, users: 0, rate: rate ?? ARRIVALS };
    case 'sold-out':
      return { scenario, users: users ?? PEAK_USERS * 2 };
    case 'peak':
      return { scenario, users: users ?? PEAK_USERS };
    default:
      return scenario satisfies never;
  }
}

/** Stores what is going to be measured. */
export async function begin(bench: Bench, options: CompareOptions): Promise<ComparisonStore> {
  const { stack } = bench;
  const { scenario, replicas, rounds } = options;
  const load = loadFor(options);
  const plan = planOf(load, replicas.at(-1)!);
  const environment = describeEnvironment(await stack.versions(), bench.k6.version);
  const now = new Date().toISOString();
  const comparison: ComparisonRecord = {
    id: `compare-${scenario}-${stack.mode}-${now.slice(0, 19).replaceAll(/[-:]/g, '')}`,
    startedAt: now,
    scenario,
    mode: stack.mode,
    replicas,
    rounds,
    users: scenario === 'arrival' ? plan.users : load.users,
    stock: plan.stock,
    ...(load.rate !== undefined && { rate: load.rate }),
    apiCpus: chooseCap(options, environment.cpus),
    environment,
    code: codeVersion(),
    asked: askedOf(options),
  };
  const store = ComparisonStore.at(comparison.id);
  store.create(comparison);
  bench.say(`${comparison.id}: ${replicas.join(', ')} replicas, ${describeCap(comparison)}`);
  return store;
}
