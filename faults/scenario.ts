import type { Audit } from '../loadtest/audit.js';
import type { Attempt } from '../loadtest/client-log.js';
import type { StackMode } from '../stack/types.js';
import type { ClientProcess } from './client/client-process.js';
import type { HistoryVerdict } from './history/check-history.js';
import type { Random } from '../common/random.js';
import type { Shape, TestEnvironment } from './environment.js';

/** One thing that was done to the stack. Times in ms since the epoch. */
export interface Injection {
  what: string;
  atMs: number;
  /** When it was being undone: a start was ordered, a process went on. The same as `atMs` where nothing is undone. */
  liftedMs: number;
}

export interface ScenarioRun {
  readonly environment: TestEnvironment;
  readonly random: Random;
  readonly client: ClientProcess;
  readonly couponId: number;
  /** Users a second. */
  readonly rate: number;
  readonly injections: readonly Injection[];
  /** Does it and writes down when. `lift`: what ends the fault; its time is taken before it is done. */
  inject(what: string, act: () => Promise<void>, lift?: () => Promise<void>): Promise<void>;
  /** How often to do something: as often as this, or less in a quick run. */
  times(whole: number): number;
  /** Waits a random time between the two, in ms: the faults come at moments that nobody chose. */
  pause(leastMs: number, mostMs: number): Promise<void>;
  /** Dead letters that this scenario makes on purpose. */
  expectDeadLetters(count: number): void;
  note(line: string): void;
}

export interface FaultScenario {
  number: number;
  fault: string;
  shape: (random: Random) => Shape;
  rate: number;
  /** Roughly how long the faults take: the stock outlasts them, and sells out after the last one. Null: it never does. */
  sellsOutAfterMs: number | null;
  modes: readonly StackMode[];
  execute(run: ScenarioRun): Promise<void>;
  /** No client may see anything but a definite answer. */
  clientsNoticeNothing?: boolean;
  /** Each fault must cost some client a failed try: one that nobody noticed did not happen. */
  clientsMustNotice?: boolean;
  stockRaised?: boolean;
  /** Runs before the stack takes its shape, and after everything. Returns what the shape needs. */
  prepare?: (
    environment: TestEnvironment,
  ) => Promise<{ env: Record<string, string>; end: () => Promise<void> }>;
  /** Looks at what only this scenario knows. Returns what is wrong, in words. */
  check?: (run: ScenarioRun, seen: Seen) => Promise<string[]> | string[];
}

export interface Seen {
  attempts: readonly Attempt[];
  audited: Audit;
}

/** One line of `faults.json`. */
export interface ScenarioResult {
  /** Number of the scenario. */
  row: number;
  fault: string;
  /** How many times something was done. */
  injected: number;
  /** Tries of all clients by what came: status, `broken` or `timeout`. */
  answers: Record<string, number>;
  lost: number;
  duplicated: number;
  oversold: number;
  falseRejections: number;
  /** The longest time from the end of a fault to the last failed answer after it; 0 when no client noticed. */
  recoveryMs: number;
  /** The same for every injection, in order. */
  recoveriesMs: number[];
  /** From the last answer until everything issued was in MySQL; null: not in time. */
  drainedMs: number | null;
  users: number;
  durationMs: number;
  /** What the independent checker decided; absent: it was not run to its end. */
  history?: HistoryVerdict['verdict'];
  /** What is off, in words; empty when everything held. */
  faults: string[];
  notes: string[];
}
