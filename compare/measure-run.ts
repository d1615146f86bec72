import { join } from 'node:path';
import { explain } from '../common/command-line.js';
import { readJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { percentile } from '../common/statistics.js';
import { readClientLog, type Attempt } from '../loadtest/client-log.js';
import type { RunResult } from '../loadtest/result.js';
import { runScenario } from '../loadtest/run-scenario.js';
import { planOf, type Bench, type Load } from './context.js';
import { CpuAccounting } from './cpu-accounting.js';
import { curveOf } from './curve.js';
import { dropKeptConnections } from './fresh-connections.js';
import { limitOf, saturatedFirst } from './saturation.js';
import type { CpuUse, RunRecord, SampleCounts } from './types.js';
import { invalidReasons } from './validity.js';

export interface Cell {
  readonly replicas: number;
  readonly round: number;
  readonly attempt: number;
  /** CPUs of one replica; null: no cap. */
  readonly cap: number | null;
}

interface Summary {
  requests: number;
  dropped: number;
}

/** k6's own counts, from the summary it writes at its end. */
function readSummary(folder: string): Summary {
  const { metrics } = readJson<{ metrics: Record<string, { count?: number }> }>(
    join(folder, 'k6-summary.json'),
  );
  return { requests: metrics['http_reqs']?.count ?? 0, dropped: metrics['dropped_iterations']?.count ?? 0 };
}

/** Of the answers: what comes after is the tail of a burst, in which one replica still works and the others are done. */
const MOST = 0.9;

interface Span {
  /** First request, ms since the epoch. */
  readonly firstMs: number;
  /** Nine of ten answers had come. */
  readonly mostMs: number;
  /** Last answer. */
  readonly lastMs: number;
}

function spanOf(attempts: readonly Attempt[]): Span {
  if (attempts.length === 0) throw new Error('k6 sent nothing: its own output above says why');
  const firstMs = attempts.reduce((least, { sentMs }) => Math.min(least, sentMs), Infinity);
  const ends = attempts
    .map(({ sentMs, answer }) => sentMs + (answer?.durationMs ?? 0))
    .sort((left, right) => left - right);
  return { firstMs, mostMs: percentile(ends, MOST), lastMs: ends.at(-1)! };
}

function cpuUse(accounting: CpuAccounting, { firstMs, mostMs, lastMs }: Span, cell: Cell, cpus: number) {
  const whole = accounting.between(firstMs, lastMs);
  const most = accounting.between(firstMs, mostMs);
  const durationS = Math.max(0.001, (mostMs - firstMs) / 1_000);
  const cpu = [...most.used].map(([component, { busiestSeconds }]): CpuUse => {
    const limitCpus = limitOf(component, { cpus, cap: cell.cap });
    const seconds = whole.used.get(component)?.seconds ?? 0;
    return { component, seconds, limitCpus, utilisation: busiestSeconds / (limitCpus * durationS) };
  });
  const used = [...most.used.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  const own = used / (cpus * durationS);
  const others = most.used.has('k6') ? Math.max(0, most.machine - own) : null;
  return { cpu, machine: most.machine, own, others };
}

interface Counted {
  readonly samples: SampleCounts;
  /** Why they could not be counted: the run does not count then, and is kept, or minutes of work would be lost. */
  readonly faults: readonly string[];
}

async function countSamples({ influx }: Bench, testid: string, k6: number): Promise<Counted> {
  if (!influx) return { samples: { k6, influxdb: null }, faults: [] };
  try {
    return { samples: { k6, influxdb: await influx.countSamples(testid) }, faults: [] };
  } catch (err) {
    return { samples: { k6, influxdb: null }, faults: [`InfluxDB did not answer: ${explain(err)}`] };
  }
}

function toRecord(
  result: RunResult,
  cell: Cell,
): Pick<RunRecord, 'answers' | 'audit' | 'latencyMs' | 'successRate'> & Cell {
  const { answers, audit, latencyMs } = result;
  const sent = Object.values(answers).reduce((sum, count) => sum + count, 0);
  const definite = answers['200'] + answers['409'] + answers['410'];
  return {
    ...cell,
    answers: {
      issued: answers['200'],
      alreadyIssued: answers['409'],
      soldOut: answers['410'],
      other: answers.other,
      timeouts: answers.timeouts,
      connectionErrors: answers.connectionErrors,
    },
    audit,
    latencyMs,
    successRate: sent > 0 ? definite / sent : 0,
  };
}

export interface Measured {
  readonly run: RunRecord;
  readonly result: RunResult;
}

/**
 * One run on replicas that are ready and warm: fresh campaign, k6, drain, audit, then what it cost. The cap holds while
 * k6 runs: a replica with a twentieth of a CPU needs seconds for its first call of the admin API.
 */
export async function measureRun(
  bench: Bench,
  load: Load,
  cell: Cell,
  tags: Record<string, string>,
): Promise<Measured> {
  const accounting = await CpuAccounting.start(bench.stack);
  const plan = planOf(load);
  const out = bench.influx ? `influxdb=${bench.influx.url}/k6` : undefined;
  let result: RunResult;
  let capFault: string | null = null;
  try {
    result = await runScenario({
      ...{ stack: bench.stack, k6: bench.k6, signal: bench.signal },
      replicas: cell.replicas,
      plan,
      out,
      tags: { ...tags, scenario: load.scenario },
      onProgress: () => undefined,
      aroundLoad: {
        before: async () => {
          await dropKeptConnections(bench.stack);
          capFault = cell.cap === null ? null : await bench.caps.set(cell.cap);
        },
        after: () => bench.caps.lift(),
      },
    });
  } finally {
    accounting.stop();
  }
  const folder = join(resultsFolder('loadtest'), result.testid);
  const [attempts, summary] = [await readClientLog(join(folder, 'client.log')), readSummary(folder)];
  const span = spanOf(attempts);
  const { cpu, machine, own, others } = cpuUse(accounting, span, cell, result.environment.cpus);
  const { samples, faults } = await countSamples(bench, result.testid, summary.requests);
  const { cap: _cap, ...base } = toRecord(result, cell);
  const run: RunRecord = {
    ...base,
    testid: result.testid,
    scenario: load.scenario,
    startedAt: new Date(span.firstMs).toISOString(),
    endedAt: new Date(span.lastMs).toISOString(),
    users: result.users,
    stock: result.stock,
    tps: result.tps,
    makespanMs: result.makespanMs,
    droppedIterations: summary.dropped,
    samples,
    cpu,
    machineUtilisation: machine,
    othersUtilisation: others,
    saturatedFirst: saturatedFirst(cpu, machine, own),
    invalid: [
      ...invalidReasons({ audit: result.audit, droppedIterations: summary.dropped, samples }),
      ...faults,
      ...(capFault === null ? [] : [`no CPU cap: ${capFault}`]),
    ],
    curve: curveOf(attempts),
  };
  return { run, result };
}
