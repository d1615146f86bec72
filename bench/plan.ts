export interface Plan {
  readonly form: 'full' | 'quick';
  /** Interleaved rounds of kept connections, and how long one is: wrk takes whole seconds. */
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly burstRounds: number;
  readonly burstConnections: number;
  readonly peakRounds: number;
  readonly peakUsers: number;
  /** How long each way of writing rows is tried. */
  readonly writeSeconds: number;
  /** How long coupons are issued before the worker may begin. */
  readonly fillSeconds: number;
}

const full: Plan = {
  form: 'full',
  rounds: 4,
  seconds: 2,
  warmUpSeconds: 2,
  connections: 256,
  burstRounds: 3,
  burstConnections: 10_000,
  peakRounds: 2,
  peakUsers: 10_000,
  writeSeconds: 3,
  fillSeconds: 5,
};

const quick: Plan = {
  ...full,
  form: 'quick',
  rounds: 2,
  seconds: 1,
  warmUpSeconds: 1,
  burstRounds: 2,
  peakRounds: 1,
  writeSeconds: 1,
  fillSeconds: 2,
};

export const choosePlan = (form: Plan['form']): Plan => (form === 'quick' ? quick : full);
