import { describeMachine, type Machine } from '../common/machine.js';
import type { Latency } from '../common/statistics.js';
import type { StackVersions } from '../stack/types.js';
import type { AnswerCounts } from './answers.js';
import type { Audit } from './audit.js';
import type { GeneratorFigures } from './saturation.js';
import type { ScenarioName } from './scenarios.js';

/** Where the figures of a run come from. */
export interface Environment extends Machine, StackVersions {
  readonly k6: string;
}

/** `result.json` of a run. */
export interface RunResult {
  testid: string;
  scenario: ScenarioName;
  mode: string;
  replicas: number;
  /** Different users who asked. */
  users: number;
  stock: number;
  answers: AnswerCounts;
  /** Coupons (200) a second between the first request and the last answer, from the client log. */
  tps: number;
  makespanMs: number;
  /** Of definite answers (200, 409, 410), from the intent to the answer in hand. */
  latencyMs: Latency;
  audit: Audit & {
    /** From the last answer until MySQL held everything; null when that did not happen in time. */
    persistedAfterMs: number | null;
  };
  environment: Environment;

  /** One-minute load average when the run began: far above the CPUs, the figures tell of other work too. */
  loadBefore: number;
  couponId: number;
  startedAt: string;
  latencyByOutcomeMs: { issued: Latency; rejected: Latency };
  answersPerSecond: number;
  /** Between the first and the last request sent. */
  sendingMs: number;
  /** Arrivals a second of an open model: what was set and what was reached. */
  rate?: { set: number; reached: number };
  generators: GeneratorFigures[];
  /** By kind of service, over the whole burst until everything was persisted; empty where the mode does not tell. */
  cpuMicrosPerAnswer: Record<string, number>;
  /** What is off, in words; empty when the run passed. */
  faults: string[];
}

export const describeEnvironment = (versions: StackVersions, k6: string): Environment => ({
  ...describeMachine(),
  ...versions,
  k6,
});

/** UTC to the second, usable as a file name and as a tag: `peak-api3-20261122T163000`. Sorted, they are not in order of time. */
export const newTestId = (scenario: string, replicas: number, now = new Date()): string =>
  `${scenario}-api${replicas}-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`;
