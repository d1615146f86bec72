import { cpuPerRequest, readCpu, type CpuByService } from '../common/cpu-time.js';
import { median, measureSpread, type Spread } from '../common/statistics.js';
import { runBurst } from '../loadtest/burst.js';
import { issueWithWrk, type Asked } from './load/wrk.js';
import type { Plan } from './plan.js';
import type { Subject } from './subject.js';

export interface SubjectResult extends Pick<Subject, 'id' | 'what' | 'kind'> {
  readonly kept?: ReturnType<typeof summariseKept> | undefined;
  readonly burst?: ReturnType<typeof summariseBurst> | undefined;
}

type KeptRound = Awaited<ReturnType<typeof measureKeptRound>>;
export type BurstRound = Awaited<ReturnType<typeof measureBurstRound>>;

/** One after the other in each round, so that whatever else the machine does meets all of them. */
export async function measureInTurn<I, T>(
  items: readonly I[],
  rounds: number,
  measure: (item: I) => Promise<T>,
  onRound: (round: number) => void = () => undefined,
): Promise<Map<I, T[]>> {
  const results = new Map<I, T[]>(items.map((item) => [item, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [item, done] of results) done.push(await measure(item));
    onRound(round);
  }
  return results;
}

/** Runs a load on a subject; with µs of CPU per request of each of its services. */
async function measureCpu<T extends { requests: number }>(
  subject: Subject,
  load: (asked: Asked) => Promise<T>,
): Promise<T & { cpuUs: CpuByService }> {
  await subject.begin?.();
  const before = readCpu(subject.processes);
  const result = await load(subject.users.next());
  await subject.settle?.();
  const cpuUs = cpuPerRequest(before, readCpu(subject.processes), result.requests);
  subject.users.used(result.requests);
  await subject.end?.();
  return { ...result, cpuUs };
}

/** @throws when an answer is not what the subject promises: a fast wrong answer is no result */
async function measureKeptRound(subject: Subject, connections: number, seconds: number) {
  const measured = await measureCpu(subject, (asked) =>
    issueWithWrk(subject.url, asked, { connections, seconds }),
  );
  const { requests, not2xx, socketErrors, latencyMs, cpuUs } = measured;
  const wrong = subject.refuses ? requests - not2xx : not2xx;
  if (wrong > 0 || socketErrors > 0) {
    throw new Error(`${subject.id}: ${wrong} wrong answers, ${socketErrors} socket errors of ${requests}`);
  }
  return { requestsPerSecond: requests / measured.seconds, latencyMs, cpuUs };
}

/** One burst; answers other than 200 are counted, not refused. */
export const measureBurstRound = (subject: Subject, program: string, connections: number) =>
  measureCpu(subject, async (asked) => {
    const burst = await runBurst(program, subject.url, asked, connections);
    return { ...burst, requests: connections };
  });

const measureCpuSpread = (rounds: readonly { cpuUs: CpuByService }[]): Record<string, Spread> =>
  Object.fromEntries(
    Object.keys(rounds[0]!.cpuUs).map((service) => [
      service,
      measureSpread(rounds.map(({ cpuUs }) => cpuUs[service]!)),
    ]),
  );

function summariseKept(rounds: readonly KeptRound[]) {
  const latency = (at: 'p50' | 'p95' | 'p99') => median(rounds.map(({ latencyMs }) => latencyMs[at]));
  return {
    requestsPerSecond: measureSpread(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    latencyMs: { p50: latency('p50'), p95: latency('p95'), p99: latency('p99') },
    cpuUs: measureCpuSpread(rounds),
    rounds,
  };
}

function summariseBurst(rounds: readonly BurstRound[], connections: number) {
  return {
    connections,
    lastAnswerMs: measureSpread(rounds.map(({ lastAnswerMs }) => lastAnswerMs)),
    // Over all rounds.
    answered: rounds.reduce((sum, { codes }) => sum + (codes['200'] ?? 0), 0),
    asked: connections * rounds.length,
    cpuUs: measureCpuSpread(rounds),
    rounds,
  };
}

export async function measureKept(
  subjects: readonly Subject[],
  { connections, warmUpSeconds, seconds, rounds }: Plan,
  report: (line: string) => void,
) {
  await measureInTurn(subjects, 1, (subject) => measureKeptRound(subject, connections, warmUpSeconds));
  const results = await measureInTurn(
    subjects,
    rounds,
    (subject) => measureKeptRound(subject, connections, seconds),
    (round) => report(`kept connections: round ${round} of ${rounds}`),
  );
  return new Map([...results].map(([{ id }, done]) => [id, summariseKept(done)]));
}

export async function measureBursts(
  subjects: readonly Subject[],
  { form, burstConnections, burstRounds }: Plan,
  program: string,
  report: (line: string) => void,
) {
  const wanted = subjects.filter(({ burst }) => burst === 'always' || (burst && form === 'full'));
  const [slow, fast] = [true, false].map((is) => wanted.filter(({ burst }) => (burst === 'slow') === is));
  const measure = (subject: Subject) => measureBurstRound(subject, program, burstConnections);
  // A server's first burst compiles what only bursts use.
  await measureInTurn(fast!, 1, measure);
  const onRound = (round: number) => report(`bursts: round ${round} of ${burstRounds}`);
  const results = await measureInTurn(fast!, burstRounds, measure, onRound);
  const once = await measureInTurn(slow!, 1, measure);
  return new Map([...results, ...once].map(([{ id }, done]) => [id, summariseBurst(done, burstConnections)]));
}
