import { roundTo } from '../common/format.js';
import type { Attempt } from './client-log.js';
import type { Facts } from './facts.js';
import type { CpuSample, Generator } from './generator.js';
import { formatSegment } from './segments.js';

/** What one generator did, in `result.json`. */
export interface GeneratorFigures {
  /** `2/3`. */
  segment: string;
  host: string;
  users: number;
  /** From the common start to its first request; null when it began by itself. */
  startedLateMs: number | null;
  /** From the common start, or else its own first request, to its last request. */
  lastSentMs: number;
  /** CPUs it could have used. */
  cpus: number;
  /** Used of them between its first request and its last answer, 0…1; null where k6's process cannot be seen. */
  cpuShare: number | null;
  /** The part of that time in which a CPU quota held it back; above 1 when several of its CPUs were. */
  throttledShare: number | null;
  /** Iterations of an open model that no virtual user was free for. */
  dropped: number;
  /** Its clock against Redis's: it sent before, and heard after Redis issued. Null: no coupon to tell by. */
  clockAheadMs: { atLeast: number; atMost: number } | null;
}

/** Beyond it k6 has no CPU left for what comes next, and answers wait in the generator. */
const MOST_CPU = 0.9;
const MOST_THROTTLED = 0.05;
/** The scenario's users press in the same second. */
const LATE_MS = 1_000;
/** When the last user presses later than this part of the run, the generator decides when the last answer comes. */
const MOST_SENDING = 0.75;
/** Starts and times to the last answer are that wrong. */
const MOST_CLOCK_MS = 100;

const windowOf = (attempts: readonly Attempt[]): { first: number; lastSent: number; lastAnswer: number } =>
  attempts.reduce(
    ({ first, lastSent, lastAnswer }, { sentMs, answer }) => ({
      first: Math.min(first, sentMs),
      lastSent: Math.max(lastSent, sentMs),
      lastAnswer: Math.max(lastAnswer, sentMs + (answer?.durationMs ?? 0)),
    }),
    { first: Infinity, lastSent: 0, lastAnswer: 0 },
  );

export function readFigures(generator: Generator, mysql: Facts['mysql']): GeneratorFigures {
  const { attempts, segment, startAtMs, host, cpus, dropped } = generator;
  const { first, lastSent, lastAnswer } = windowOf(attempts);
  return {
    segment: formatSegment(segment),
    host,
    users: new Set(attempts.map(({ userId }) => userId)).size,
    startedLateMs: startAtMs === null || attempts.length === 0 ? null : first - startAtMs,
    lastSentMs: attempts.length === 0 ? 0 : lastSent - (startAtMs ?? first),
    cpus,
    ...sharesOf(generator, first, lastAnswer),
    dropped,
    clockAheadMs: compareClocks(attempts, mysql),
  };
}

function sharesOf(
  { samples, cpus }: Generator,
  fromMs: number,
  toMs: number,
): Pick<GeneratorFigures, 'cpuShare' | 'throttledShare'> {
  const begin = samples.findLast(({ atMs }) => atMs <= fromMs) ?? samples[0];
  const end = samples.find(({ atMs }) => atMs >= toMs) ?? samples.at(-1);
  if (!begin || !end || end.atMs <= begin.atMs) return { cpuShare: null, throttledShare: null };
  const used = (of: (sample: CpuSample) => number): number =>
    (of(end) - of(begin)) / ((end.atMs - begin.atMs) / 1_000);
  return {
    cpuShare: roundTo(used(({ cpuSeconds }) => cpuSeconds) / cpus, 3),
    throttledShare: roundTo(
      used(({ throttledSeconds }) => throttledSeconds),
      3,
    ),
  };
}

function compareClocks(
  attempts: readonly Attempt[],
  mysql: Facts['mysql'],
): GeneratorFigures['clockAheadMs'] {
  const issuedAt = new Map(mysql.map(({ userId, issuedAtMs }) => [userId, issuedAtMs]));
  let [atLeast, atMost] = [-Infinity, Infinity];
  for (const { userId, sentMs, answer } of attempts) {
    const issuedAtMs = issuedAt.get(userId);
    if (issuedAtMs === undefined || answer?.status !== 200) continue;
    atLeast = Math.max(atLeast, sentMs - issuedAtMs);
    atMost = Math.min(atMost, sentMs + answer.durationMs - issuedAtMs);
  }
  return Number.isFinite(atMost) ? { atLeast, atMost } : null;
}

export interface Judged {
  /** From the first request of all generators to the last answer. */
  readonly makespanMs: number;
  /** Arrivals of an open model are spread over time by plan. */
  readonly isOpenModel: boolean;
}

/** Why the generators, and not the service, may have made the figures; empty when they had room left. */
export function describeSaturation(all: readonly GeneratorFigures[], run: Judged): string[] {
  return [...all.flatMap((one) => describeOne(one, run)), ...describeHosts(all)];
}

function describeOne(one: GeneratorFigures, { makespanMs, isOpenModel }: Judged): string[] {
  const because: string[] = [];
  const { cpuShare, throttledShare, dropped, lastSentMs, startedLateMs, clockAheadMs: clock } = one;
  if (cpuShare !== null && cpuShare > MOST_CPU)
    because.push(`it used ${percent(cpuShare)} of the CPUs it could have`);
  if (throttledShare !== null && throttledShare > MOST_THROTTLED)
    because.push(`a CPU quota held it back for ${percent(throttledShare)} of its time`);
  if (dropped > 0) because.push(`it dropped ${dropped} iterations`);
  // Without a common start nobody said when its users press.
  if (startedLateMs !== null) {
    if (startedLateMs > LATE_MS) because.push(`it began ${startedLateMs} ms after the common start`);
    if (!isOpenModel && lastSentMs > LATE_MS && lastSentMs > MOST_SENDING * makespanMs)
      because.push(`its last user pressed after ${lastSentMs} of ${makespanMs} ms`);
  }
  if (clock && (clock.atLeast > MOST_CLOCK_MS || clock.atMost < -MOST_CLOCK_MS)) {
    const byMs = clock.atLeast > 0 ? clock.atLeast : -clock.atMost;
    because.push(`its clock is ${byMs} ms or more ${clock.atLeast > 0 ? 'ahead of' : 'behind'} Redis's`);
  }
  return because.map((why) => `generator ${one.segment} makes this run invalid: ${why}`);
}

/** Processes on one host share its CPUs: none may have used many, and all together every one. */
function describeHosts(all: readonly GeneratorFigures[]): string[] {
  const hosts = [...new Set(all.map(({ host }) => host))];
  return hosts.flatMap((host) => {
    const here = all.filter((one) => one.host === host);
    const used = here.reduce((sum, { cpuShare, cpus }) => sum + (cpuShare ?? 0) * cpus, 0);
    const share = used / Math.max(...here.map(({ cpus }) => cpus));
    if (here.length === 1 || share <= MOST_CPU) return [];
    return [`the generators on ${host} make this run invalid: they used ${percent(share)} of its CPUs`];
  });
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
