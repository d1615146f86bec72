import type { StackMode } from '../stack/types.js';
import type { CompareScenario } from './types.js';

export const COMPARE_SCENARIOS: readonly CompareScenario[] = ['saturate', 'peak', 'arrival', 'sold-out'];

export interface CompareOptions {
  /** `step`: raises the arrival rate of each count afterwards, until a limit breaks. */
  readonly command: 'run' | 'step';
  /** Counts to compare, smallest first. */
  readonly replicas: readonly number[];
  readonly rounds: number;
  readonly scenario: CompareScenario;
  /** Null: chosen for saturation, none otherwise; 0: no cap. */
  readonly apiCpus: number | null;
  readonly users: number | null;
  readonly rate: number | null;
  readonly mode?: StackMode | undefined;
  readonly influx: boolean;
  readonly fresh: boolean;
}
