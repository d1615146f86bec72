import type { Influx } from '../common/influx.js';
import { openFileLimit } from '../common/open-file-limit.js';
import type { Stack } from '../stack/types.js';
import type { K6 } from '../loadtest/k6-binary.js';
import { plan, type Plan } from '../loadtest/scenarios.js';
import type { ReplicaCaps } from '../loadtest/replica-caps.js';
import type { CompareScenario } from './types.js';

/** An instance of its own: neither its data nor its stretched time limits meet those of the default stack. */
export const INSTANCE = 'compare';

/** What every step of a comparison works with. The stack runs as many replicas as the largest count has. */
export interface Bench {
  readonly stack: Stack;
  readonly caps: ReplicaCaps;
  readonly k6: K6;
  /** Null: samples are not kept, only counted from the client log. */
  readonly influx: Influx | null;
  /** Its process, if it is on this machine. */
  readonly influxPid?: number | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Load {
  readonly scenario: CompareScenario;
  /** In all; of saturation: in flight for each replica. */
  readonly users: number;
  /** Arrival only: requests a second and for how long. */
  readonly rate?: number;
  readonly durationS?: number;
}

/** The first second is not counted: connections open, and batches find their size. */
const SLICE_S = 5;
const ARRIVAL_S = 15;

/** @param replicas that serve */
export function planOf({ scenario, users, rate = 100, durationS }: Load, replicas: number): Plan {
  switch (scenario) {
    case 'saturate':
      return plan(scenario, { vus: users * replicas, durationS: durationS ?? SLICE_S }, openFileLimit());
    case 'arrival':
      return plan(
        scenario,
        { rate, durationS: durationS ?? ARRIVAL_S, vus: Math.max(50, rate * 4) },
        openFileLimit(),
      );
    default:
      return plan(scenario, { users }, openFileLimit());
  }
}

/**
 * A capped replica does the same work at a fraction of the speed. Limits that are right for a whole CPU would turn that
 * into errors, and the comparison would measure the limits: so time is stretched with the cap.
 */
export const patientEnvironment = {
  REDIS_COMMAND_TIMEOUT_MS: '10000',
  // A rush of any size and length: nothing of it is refused.
  ISSUE_RUSH_MAX: '10000000',
  ISSUE_QUEUE_MAX_MS: '600000',
  NGINX_ISSUE_CONNECT_TIMEOUT: '30s',
  NGINX_ISSUE_READ_TIMEOUT: '120s',
  NGINX_ISSUE_RETRY_TIMEOUT: '150s',
} as const;
