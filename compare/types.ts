import type { Latency } from '../common/statistics.js';
import type { StackMode } from '../stack/types.js';
import type { PeakRound } from '../loadtest/peak-round.js';
import type { Environment } from '../loadtest/result.js';

export type Component = 'api' | 'nginx' | 'redis' | 'worker' | 'database' | 'k6' | 'influxdb';

export type CompareScenario = 'saturate' | 'peak' | 'arrival' | 'sold-out';

/** CPU of one part of the topology. */
export interface CpuUse {
  readonly component: Component;
  /** CPU seconds from the first request to the last answer, all processes of the component together. */
  readonly seconds: number;
  /** CPUs that one part of it (one replica) could have used at most: its cap, its threads, or the machine's cores. */
  readonly limitCpus: number;
  /** Share of `limitCpus` that its busiest part used, 0…1: in the window of saturation, or until nine of ten answers had come. */
  readonly utilisation: number;
  /** The same of its least busy part. Absent in old files. */
  readonly leastUtilisation?: number;
}

/** What happened within one second after the first request, by the time of the answer. */
export interface CurvePoint {
  /** 0 is the first second. */
  readonly second: number;
  readonly issued: number;
  /** Expected answers that are no coupon: 409 and 410. */
  readonly refused: number;
  readonly failed: number;
  /** Latency in ms of the definite answers (200, 409, 410) of that second; null when there was none. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

interface AnswerCounts {
  readonly issued: number;
  readonly alreadyIssued: number;
  readonly soldOut: number;
  readonly other: number;
  readonly timeouts: number;
  readonly connectionErrors: number;
}

export interface AuditFigures {
  readonly lost: number;
  readonly duplicated: number;
  readonly oversold: number;
  readonly phantom: number;
  readonly falseRejections: number;
  readonly unpersisted: number;
  /** Runs stored before these two were checked lack them. */
  readonly missingInRedis?: number;
  readonly deadLetters?: number;
  readonly persistedAfterMs: number | null;
}

export interface SampleCounts {
  /** `http_reqs` of k6's own summary. */
  readonly k6: number;
  /** Points of `http_reqs` with the run's testid; null when there was no InfluxDB. */
  readonly influxdb: number | null;
}

/** One k6 run of a comparison, as it is stored: of saturation one slice, and its round is a block of slices. */
export interface RunRecord {
  readonly testid: string;
  readonly scenario: CompareScenario;
  readonly replicas: number;
  /** From 1. */
  readonly round: number;
  /** 1, or 2 when the first attempt at this round was invalid. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly users: number;
  readonly stock: number;
  readonly answers: AnswerCounts;
  /**
   * Answers that grant a coupon ÷ seconds, by the client log: from the first request to the last answer; of saturation
   * within the window from a second after the first request to the last request.
   */
  readonly tps: number;
  readonly makespanMs: number;
  /** Of definite answers (200, 409, 410); null when nobody got one. */
  readonly latencyMs: Readonly<Latency>;
  /** Definite answers (200, 409, 410) ÷ requests, 0…1. */
  readonly successRate: number;
  readonly droppedIterations: number;
  readonly audit: AuditFigures;
  readonly samples: SampleCounts;
  readonly cpu: readonly CpuUse[];
  /** CPU of the whole machine in the same time, 0…1. */
  readonly machineUtilisation: number;
  /** Of it, what no part of this project used; null when k6 ran where its CPU cannot be seen. Absent in old files. */
  readonly othersUtilisation?: number | null;
  /** CPU that the host gave to its other guests meanwhile, of the machine's, 0…1. Absent in old files. */
  readonly stolenUtilisation?: number;
  readonly saturatedFirst: Component | null;
  /** Why this run does not count; empty when it does. */
  readonly invalid: readonly string[];
  readonly curve: readonly CurvePoint[];
}

/** One rate of the step-load mode. */
export interface StepRecord {
  readonly replicas: number;
  /** Requests a second asked for. */
  readonly rate: number;
  /** Requests a second answered. */
  readonly achieved: number;
  /** Null when nobody got a definite answer. */
  readonly p99Ms: number | null;
  /** Faults ÷ requests, 0…1. */
  readonly errorRate: number;
  readonly droppedIterations: number;
  /** The limits that broke; empty when the step held. */
  readonly broke: readonly string[];
  /** Why this step does not count; files from before this was asked lack it. */
  readonly invalid?: readonly string[];
  readonly saturatedFirst: Component | null;
  readonly cpu: readonly CpuUse[];
}

export interface CapacityRecord {
  readonly limits: { readonly p99Ms: number; readonly errorRate: number };
  readonly steps: readonly StepRecord[];
}

export interface CpuCap {
  /** CPUs of one replica; null: no cap. */
  readonly cpus: number | null;
  readonly how: 'chosen' | 'given' | 'none';
  /** For people: how it was chosen and set, or why it could not be set. */
  readonly note: string;
}

/** What was asked for by hand; null: the default. */
export interface Asked {
  readonly command: 'run' | 'step';
  readonly apiCpus: number | null;
  readonly users: number | null;
  readonly rate: number | null;
}

/** A stored comparison: `comparison.json`, its runs in `runs/*.json`, its steps in `capacity.json`. */
export interface ComparisonRecord {
  readonly id: string;
  readonly startedAt: string;
  readonly scenario: CompareScenario;
  readonly mode: StackMode;
  readonly replicas: readonly number[];
  /** Of saturation the most blocks: it ends earlier when the intervals are narrow, or when its time is up. */
  readonly rounds: number;
  /** Why it ended before that. */
  readonly ended?: 'narrow' | 'time';
  /** Of saturation: in flight for each replica. */
  readonly users: number;
  readonly stock: number;
  /** Of peaks, one a round: the same k6 against an nginx that answers at once. Absent where there is none, and in old files. */
  readonly floors?: readonly PeakRound[];
  /** Arrival scenario only: requests a second asked for. */
  readonly rate?: number;
  readonly apiCpus: CpuCap;
  readonly environment: Environment;
  /** Commit of the checkout, with a hash of what was not committed; `unknown` without git. */
  readonly code: string;
  /** An interrupted comparison goes on when the same is asked again. Absent in old files. */
  readonly asked?: Asked;
}

export interface StoredComparison {
  readonly comparison: ComparisonRecord;
  readonly runs: readonly RunRecord[];
  readonly capacity: CapacityRecord | null;
}
