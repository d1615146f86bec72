import { execFileSync } from 'node:child_process';
import { describeMachine } from '../result.js';
import { calibrate } from './calibrate.js';
import { planOf, type Bench, type Load } from './context.js';
import type { CompareOptions } from './options.js';
import { ComparisonStore, storedComparisons } from './store.js';
import { remaining } from './compare.js';
import type { ComparisonRecord } from './types.js';

/** How long the smallest count should need for one run: k6's start must be small beside that of the largest one too. */
const LONGEST_RUN_S = 32;
const ARRIVAL_S = 15;

function codeVersion(root: string): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+changes'}`;
  } catch {
    return 'unknown';
  }
}

/** The last comparison of the same kind that was interrupted, unless the code has changed since. */
export function unfinished(
  options: CompareOptions,
  mode: ComparisonRecord['mode'],
  root: string,
): ComparisonStore | null {
  const id = storedComparisons().at(-1);
  if (id === undefined) return null;
  const store = ComparisonStore.at(id);
  const { comparison, runs } = store.load();
  const same =
    comparison.scenario === options.scenario &&
    comparison.mode === mode &&
    comparison.rounds === options.rounds &&
    comparison.replicas.join() === options.replicas.join() &&
    comparison.code === codeVersion(root) &&
    (options.apiCpus === null
      ? comparison.apiCpus.how === 'calibrated'
      : (comparison.apiCpus.cpus ?? 0) === options.apiCpus) &&
    (options.users === null || options.users === comparison.users);
  return same && remaining(comparison, runs).length > 0 ? store : null;
}

/** Users that keep the smallest count busy for a while, and rates that the largest one can take. */
function loadFor(options: CompareOptions, expectedTps: number): Load {
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
  const { stack, root } = bench;
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
    environment: describeMachine(await stack.versions(), bench.k6.version),
    code: codeVersion(root),
  };
  const store = ComparisonStore.at(comparison.id);
  store.create(comparison);
  bench.say(
    `${comparison.id}: ${options.replicas.join(', ')} replicas, ${options.rounds} rounds, ${plan.users} users each`,
  );
  return store;
}
