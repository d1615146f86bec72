import type { Influx } from '../common/influx.js';
import { openFileLimit } from '../common/open-file-limit.js';
import type { Stack } from '../stack/types.js';
import type { K6 } from '../loadtest/k6-binary.js';
import { plan, type Plan } from '../loadtest/scenarios.js';
import type { ReplicaCaps } from '../loadtest/replica-caps.js';
import type { CompareScenario } from './types.js';

/** What every step of a comparison works with. */
export interface Bench {
  readonly stack: Stack;
  readonly caps: ReplicaCaps;
  readonly k6: K6;
  /** Null: samples are not kept, only counted from the client log. */
  readonly influx: Influx | null;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Load {
  readonly scenario: CompareScenario;
  readonly users: number;
  /** Arrival only: requests a second and for how long. */
  readonly rate?: number;
  readonly durationS?: number;
}

export function planOf(load: Load): Plan {
  const sizes =
    load.scenario === 'arrival'
      ? { rate: load.rate ?? 100, durationS: load.durationS ?? 15, vus: Math.max(50, (load.rate ?? 100) * 4) }
      : { users: load.users };
  return plan(load.scenario, sizes, openFileLimit());
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
