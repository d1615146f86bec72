import { join } from 'node:path';
import { explain } from '../common/command-line.js';
import { readJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { percentile } from '../common/statistics.js';
import { AdminClient } from '../loadtest/admin-client.js';
import { readClientLog, type Attempt } from '../loadtest/client-log.js';
import type { RunResult } from '../loadtest/result.js';
import { runScenario } from '../loadtest/run-scenario.js';
import { planOf, type Bench, type Load } from './context.js';
import { CpuAccounting } from './cpu-accounting.js';
import { curveOf } from './curve.js';
import { servingReplicas } from './order.js';
import { capped } from './prepare.js';
import { limitOf, saturatedFirst } from './saturation.js';
import type { CompareScenario, CpuUse, RunRecord, SampleCounts } from './types.js';
import { invalidReasons, unsaturatedReasons } from './validity.js';

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
/** Of saturation: connections open, and batches find their size. */
const RAMP_MS = 1_000;

interface Span {
  /** First request, ms since the epoch. */
  readonly firstMs: number;
  /** Last answer. */
  readonly lastMs: number;
  /** When all replicas have work. */
  readonly busyFromMs: number;
  readonly busyToMs: number;
}

const answeredAt = ({ sentMs, answer }: Attempt): number => sentMs + (answer?.durationMs ?? 0);

export function spanOf(attempts: readonly Attempt[], scenario: CompareScenario): Span {
  if (attempts.length === 0) throw new Error('k6 sent nothing: its own output above says why');
  const firstMs = attempts.reduce((least, { sentMs }) => Math.min(least, sentMs), Infinity);
  const ends = attempts.map(answeredAt).sort((left, right) => left - right);
  const span = { firstMs, lastMs: ends.at(-1)! };
  if (scenario !== 'saturate') return { ...span, busyFromMs: firstMs, busyToMs: percentile(ends, MOST) };
  // Until then each user asks again as soon as it has its answer.
  const lastSentMs = attempts.reduce((most, { sentMs }) => Math.max(most, sentMs), 0);
  return { ...span, busyFromMs: firstMs + RAMP_MS, busyToMs: lastSentMs };
}

/** Coupons a second while all replicas had work. */
export function issuedPerSecond(
  attempts: readonly Attempt[],
  { busyFromMs, busyToMs }: Pick<Span, 'busyFromMs' | 'busyToMs'>,
): number {
  const issued = attempts.filter((attempt) => {
    const endMs = answeredAt(attempt);
    return attempt.answer?.status === 200 && endMs >= busyFromMs && endMs < busyToMs;
  });
  return busyToMs > busyFromMs ? (issued.length * 1_000) / (busyToMs - busyFromMs) : 0;
}

function cpuUse(accounting: CpuAccounting, span: Span, cell: Cell, cpus: number) {
  const whole = accounting.between(span.firstMs, span.lastMs);
  const busy = accounting.between(span.busyFromMs, span.busyToMs);
  const durationS = Math.max(0.001, (span.busyToMs - span.busyFromMs) / 1_000);
  const cpu = [...busy.used].map(([component, { busiestSeconds, leastSeconds }]): CpuUse => {
    const limitCpus = limitOf(component, { cpus, cap: cell.cap });
    const share = (seconds: number) => seconds / (limitCpus * durationS);
    return {
      component,
      seconds: whole.used.get(component)?.seconds ?? 0,
      limitCpus,
      utilisation: share(busiestSeconds),
      leastUtilisation: share(leastSeconds),
    };
  });
  const used = [...busy.used.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  const own = used / (cpus * durationS);
  const others = busy.used.has('k6') ? Math.max(0, busy.machine - own) : null;
  return { cpu, machine: busy.machine, stolen: busy.stolen, own, others };
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

/** One run on warm replicas: fresh campaign, k6 against so many of them, drain, audit, then what it cost. */
export async function measureRun(
  bench: Bench,
  load: Load,
  cell: Cell,
  tags: Record<string, string>,
): Promise<Measured> {
  const { stack } = bench;
  const serving = servingReplicas(cell.replicas, cell.round, await stack.replicas());
  const accounting = await CpuAccounting.start(stack, serving, bench.influxPid);
  let result: RunResult;
  try {
    result = await runScenario({
      ...{ stack, k6: bench.k6, signal: bench.signal },
      replicas: cell.replicas,
      plan: planOf(load, cell.replicas),
      out: bench.influx ? `influxdb=${bench.influx.url}/k6` : undefined,
      tags: { ...tags, scenario: load.scenario },
      onProgress: () => undefined,
      aroundLoad: capped(bench, serving, cell.cap),
    });
  } finally {
    accounting.stop();
  }
  // What is left of its stock would take the room of the next one.
  await new AdminClient(stack).closeCampaign(result.couponId);
  const folder = join(resultsFolder('loadtest'), result.testid);
  const [attempts, summary] = [await readClientLog(join(folder, 'client.log')), readSummary(folder)];
  const span = spanOf(attempts, load.scenario);
  const { cpu, machine, stolen, own, others } = cpuUse(accounting, span, cell, result.environment.cpus);
  const { samples, faults } = await countSamples(bench, result.testid, summary.requests);
  const { cap: _cap, ...base } = toRecord(result, cell);
  const saturating = load.scenario === 'saturate';
  const run: RunRecord = {
    ...base,
    testid: result.testid,
    scenario: load.scenario,
    startedAt: new Date(span.firstMs).toISOString(),
    endedAt: new Date(span.lastMs).toISOString(),
    users: result.users,
    stock: result.stock,
    tps: saturating ? issuedPerSecond(attempts, span) : result.tps,
    makespanMs: result.makespanMs,
    droppedIterations: summary.dropped,
    samples,
    cpu,
    machineUtilisation: machine,
    othersUtilisation: others,
    stolenUtilisation: stolen,
    saturatedFirst: saturatedFirst(cpu, machine, own),
    invalid: [
      ...invalidReasons({ audit: result.audit, droppedIterations: summary.dropped, samples }),
      ...faults,
      ...(saturating ? unsaturatedReasons({ cpu, stolen, others, answers: base.answers }) : []),
    ],
    curve: curveOf(attempts),
  };
  return { run, result };
}
