import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { projectRoot } from '../common/paths.js';
import { describeEnvironment } from '../loadtest/result.js';
import { calibrate } from './calibrate.js';
import { remaining } from './compare.js';
import { planOf, type Bench, type Load } from './context.js';
import type { CompareOptions } from './options.js';
import { nextRate } from './step-load.js';
import { ComparisonStore } from './store.js';
import type { Asked, ComparisonRecord, StoredComparison } from './types.js';

/** How long the smallest count should need for one run: k6's start must be small beside that of the largest one too. */
const LONGEST_RUN_S = 32;
const ARRIVAL_S = 15;

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
  command: command === 'step' ? 'step' : 'run',
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

/** Users that keep the smallest count busy for a while, and rates that the largest one can take. */
export function loadFor(options: CompareOptions, expectedTps: number): Load {
  const [least, most] = [options.replicas[0]!, options.replicas.at(-1)!];
  const perReplica = expectedTps / most;
  const issuing = Math.min(
    10_000,
    Math.max(500, Math.round((perReplica * least * LONGEST_RUN_S) / 100) * 100),
  );
  const users = options.users ?? (options.scenario === 'sold-out' ? issuing * 2 : issuing);
  // What the smallest count can take: above that k6 would run out of users for it, and the run would not count.
  return {
    scenario: options.scenario,
    users,
    rate: options.rate ?? Math.max(20, Math.round(perReplica * least * 0.7)),
    durationS: ARRIVAL_S,
  };
}

/** Calibrates, then stores what is going to be measured. */
export async function begin(bench: Bench, options: CompareOptions): Promise<ComparisonStore> {
  const { stack } = bench;
  const calibration = await calibrate(bench, options.replicas.at(-1)!, options.apiCpus);
  const { expectedTps, cap: apiCpus } = calibration;
  const load = loadFor(options, expectedTps);
  const now = new Date().toISOString();
  const plan = planOf(load);
  const comparison: ComparisonRecord = {
    id: `compare-${options.scenario}-${stack.mode}-${now.slice(0, 19).replaceAll(/[-:]/g, '')}`,
    startedAt: now,
    scenario: options.scenario,
    mode: stack.mode,
    replicas: options.replicas,
    rounds: options.rounds,
    users: plan.users,
    stock: plan.stock,
    ...(options.scenario === 'arrival' && load.rate !== undefined && { rate: load.rate }),
    apiCpus,
    environment: describeEnvironment(await stack.versions(), bench.k6.version),
    code: codeVersion(),
    asked: askedOf(options),
  };
  const store = ComparisonStore.at(comparison.id);
  store.create(comparison);
  bench.say(
    `${comparison.id}: ${options.replicas.join(', ')} replicas, ${options.rounds} rounds, ${plan.users} users each`,
  );
  return store;
}
