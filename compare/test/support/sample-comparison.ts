import type { ComparisonRecord, CpuUse, CurvePoint, RunRecord, StoredComparison } from '../../types.js';

const cleanAudit = {
  lost: 0,
  duplicated: 0,
  oversold: 0,
  phantom: 0,
  falseRejections: 0,
  unpersisted: 0,
  persistedAfterMs: 120,
};

function curveOf(tps: number, users: number): CurvePoint[] {
  const seconds = Math.ceil(users / tps);
  return Array.from({ length: seconds }, (_, second) => {
    const issued = Math.round(Math.min(tps, users - second * tps));
    const waited = (second + 0.5) * 1_000;
    // Wider the slower it goes, so that no curve hides another one.
    const p95 = waited + 200_000 / tps;
    return { second, issued, refused: 0, failed: 0, p50: waited, p95, p99: p95 + 100 };
  });
}

function cpuOf(replicas: number, cap: number): CpuUse[] {
  const use = (component: CpuUse['component'], utilisation: number, limitCpus: number) => ({
    component,
    utilisation,
    limitCpus,
    seconds: utilisation * limitCpus * 10,
  });
  return [
    use('api', 0.97, cap * replicas),
    use('nginx', 0.04 * replicas, 2),
    use('redis', 0.02 * replicas, 1),
    use('worker', 0.05 * replicas, 1),
    use('database', 0.03 * replicas, 2),
    use('k6', 0.14 * replicas, 2),
  ];
}

export function sampleRun(replicas: number, round: number, changes: Partial<RunRecord> = {}): RunRecord {
  const users = 3_000;
  const tps = 150 * replicas * (1 - 0.01 * replicas) * (1 + (round - 2) * 0.015);
  const makespanMs = (users / tps) * 1_000;
  const startedAtMs = Date.UTC(2026, 10, 22, 12, round * 5 + replicas);
  return {
    testid: `sample-r${round}-n${replicas}`,
    scenario: 'peak',
    replicas,
    round,
    attempt: 1,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(startedAtMs + makespanMs).toISOString(),
    users,
    stock: users,
    answers: { issued: users, alreadyIssued: 0, soldOut: 0, other: 0, timeouts: 0, connectionErrors: 0 },
    tps,
    makespanMs,
    latencyMs: { p50: makespanMs * 0.5, p95: makespanMs * 0.93, p99: makespanMs * 0.98, max: makespanMs },
    successRate: 1,
    droppedIterations: 0,
    audit: cleanAudit,
    samples: { k6: users + 1, influxdb: users + 1 },
    cpu: cpuOf(replicas, 0.06),
    machineUtilisation: 0.2 * replicas,
    saturatedFirst: 'api',
    invalid: [],
    curve: curveOf(tps, users),
    ...changes,
  };
}

export const sampleRecord: ComparisonRecord = {
  id: 'compare-sample',
  startedAt: '2026-11-22T12:00:00.000Z',
  scenario: 'peak',
  mode: 'native',
  replicas: [1, 2, 4],
  rounds: 3,
  users: 3_000,
  stock: 3_000,
  apiCpus: {
    cpus: 0.06,
    how: 'chosen',
    note: 'Chosen so that 4 replicas stay below 60 % of what k6 and nginx can offer.',
  },
  environment: {
    cpus: 2,
    cpuModel: 'Sample CPU',
    memoryGiB: 24,
    node: '20.20.0',
    k6: '2.2.0',
    redis: '7.0.15',
    database: 'MariaDB 10.11.19',
    nginx: '1.22.1',
  },
  code: 'abc1234',
};

/** A comparison as it is stored: three rounds of three counts, all valid unless changed. */
export function sampleComparison(
  changes: Partial<ComparisonRecord> = {},
  changeRun: (run: RunRecord) => RunRecord = (run) => run,
): StoredComparison {
  const comparison = { ...sampleRecord, ...changes };
  const rounds = Array.from({ length: comparison.rounds }, (_, index) => index + 1);
  const runs = rounds.flatMap((round) =>
    comparison.replicas.map((replicas) => changeRun(sampleRun(replicas, round))),
  );
  return { comparison, runs, capacity: null };
}
