import { cpuPerRequest, readCpu, type CpuByService } from '../common/cpu-time.js';
import { median, measureSpread, type Spread } from '../common/statistics.js';
import { type BurstResult, runBurst } from '../loadtest/burst.js';
import { runWrk, type WrkResult } from './load/wrk.js';
import type { Plan } from './plan.js';
import type { Row, RowKind } from './rows.js';

interface KeptRound {
  readonly requestsPerSecond: number;
  readonly latencyMs: WrkResult['latencyMs'];
  readonly cpuUs: CpuByService;
}

export interface BurstRound extends BurstResult {
  readonly cpuUs: CpuByService;
}

export interface RowResult {
  readonly id: string;
  readonly what: string;
  readonly kind: RowKind;
  readonly kept?: {
    readonly requestsPerSecond: Spread;
    readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
    /** µs of CPU per request, by service. */
    readonly cpuUs: Readonly<Record<string, Spread>>;
    readonly rounds: readonly KeptRound[];
  };
  readonly burst?: {
    readonly connections: number;
    readonly lastAnswerMs: Spread;
    /** Answers as expected, over all rounds, and what was asked. */
    readonly answered: number;
    readonly asked: number;
    readonly cpuUs: Readonly<Record<string, Spread>>;
    readonly rounds: readonly BurstRound[];
  };
}

/** Runs a load on a row and returns it with the CPU per request of each of the row's services. */
async function withCpu<T>(
  row: Row,
  load: () => Promise<{ result: T; requests: number }>,
): Promise<{ result: T; requests: number; cpuUs: CpuByService }> {
  await row.begin?.();
  const before = readCpu(row.processes);
  const { result, requests } = await load();
  await row.settle?.();
  const cpuUs = cpuPerRequest(before, readCpu(row.processes), requests);
  row.used(requests);
  await row.end?.();
  return { result, requests, cpuUs };
}

/** @throws when an answer is not what the row promises: a fast wrong answer is no result */
async function keptRound(row: Row, connections: number, seconds: number): Promise<KeptRound> {
  const { result, cpuUs } = await withCpu(row, async () => {
    const ran = await runWrk(row.url, row.next(), { connections, seconds });
    return { result: ran, requests: ran.requests };
  });
  const wrong = row.expected === '2xx' ? result.not2xx : result.requests - result.not2xx;
  if (wrong > 0 || result.socketErrors > 0) {
    throw new Error(
      `${row.id}: ${wrong} wrong answers, ${result.socketErrors} socket errors of ${result.requests}`,
    );
  }
  return { requestsPerSecond: result.requests / result.seconds, latencyMs: result.latencyMs, cpuUs };
}

/** One burst; answers other than 200 are counted, not refused. */
export async function burstRound(row: Row, program: string, connections: number): Promise<BurstRound> {
  const { result, cpuUs } = await withCpu(row, async () => {
    const ran = await runBurst(program, row.url, row.next(), connections);
    return { result: ran, requests: connections };
  });
  return { ...result, cpuUs };
}

const spreadByService = (rounds: readonly { cpuUs: CpuByService }[]): Record<string, Spread> =>
  Object.fromEntries(
    Object.keys(rounds[0]!.cpuUs).map((service) => [
      service,
      measureSpread(rounds.map(({ cpuUs }) => cpuUs[service]!)),
    ]),
  );

function keptResult(rounds: readonly KeptRound[]): NonNullable<RowResult['kept']> {
  const latency = (at: 'p50' | 'p95' | 'p99') => median(rounds.map(({ latencyMs }) => latencyMs[at]));
  return {
    requestsPerSecond: measureSpread(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    latencyMs: { p50: latency('p50'), p95: latency('p95'), p99: latency('p99') },
    cpuUs: spreadByService(rounds),
    rounds,
  };
}

function burstResult(rounds: readonly BurstRound[], connections: number): NonNullable<RowResult['burst']> {
  const answered = rounds.reduce((sum, { codes }) => sum + (codes['200'] ?? 0), 0);
  return {
    connections,
    lastAnswerMs: measureSpread(rounds.map(({ lastAnswerMs }) => lastAnswerMs)),
    answered,
    asked: connections * rounds.length,
    cpuUs: spreadByService(rounds),
    rounds,
  };
}

/** One row after the other in each round, so that whatever else the machine does meets all of them. */
export async function measureKept(
  rows: readonly Row[],
  plan: Plan,
  report: (line: string) => void,
): Promise<Map<string, NonNullable<RowResult['kept']>>> {
  const rounds = new Map<string, KeptRound[]>(rows.map(({ id }) => [id, []]));
  for (const row of rows) await keptRound(row, plan.connections, plan.warmUpSeconds);
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const row of rows) {
      const done = await keptRound(row, plan.connections, plan.seconds);
      rounds.get(row.id)!.push(done);
    }
    report(`kept connections: round ${round} of ${plan.rounds}`);
  }
  return new Map([...rounds].map(([id, done]) => [id, keptResult(done)]));
}

export async function measureBursts(
  rows: readonly Row[],
  plan: Plan,
  program: string,
  report: (line: string) => void,
): Promise<Map<string, NonNullable<RowResult['burst']>>> {
  const rounds = new Map<string, BurstRound[]>();
  const wanted = rows.filter(({ burst }) => burst === 'always' || (burst && plan.form === 'full'));
  // Round 0 warms up: a server's first burst compiles what only bursts use.
  for (let round = 0; round <= plan.burstRounds; round += 1) {
    for (const row of wanted.filter(({ burst }) => burst !== 'slow' || round === 1)) {
      const done = await burstRound(row, program, plan.burstConnections);
      if (round > 0) rounds.set(row.id, [...(rounds.get(row.id) ?? []), done]);
    }
    if (round > 0) report(`bursts: round ${round} of ${plan.burstRounds}`);
  }
  return new Map([...rounds].map(([id, done]) => [id, burstResult(done, plan.burstConnections)]));
}
