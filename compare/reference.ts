/** The published load test this project started from: one instance, 10,000 users, one request each. */
export const originalRun = {
  users: 10_000,
  replicas: 1,
  successRate: 0.81,
  tps: 163.5,
  p95Ms: 9_940,
  label: 'original published run (1 instance)',
  note: 'It ran on other hardware, with another load generator set-up and without a CPU cap: a landmark, not a competitor.',
} as const;
