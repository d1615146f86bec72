import { run } from '../../common/run-command.js';
import { join } from 'node:path';
import { cpuPerRequest, readCpu } from '../../common/cpu-time.js';
import { projectRoot } from '../../common/paths.js';
import { type BenchStack, pidOf } from '../lineup.js';
import { runWrk } from '../load/wrk.js';
import type { Plan } from '../plan.js';
import { createCampaign, PLENTY, untilDrained } from '../system/campaigns.js';

export interface RowsWritten {
  readonly rowsPerSecond: number;
  /** µs of CPU of the writer a row. */
  readonly writerCpuUs: number;
  /** µs of CPU of the database a row. */
  readonly databaseCpuUs: number;
}

/** One writer that is not our worker: rivals/write-rows.ts. */
export async function measureRival(
  stack: BenchStack,
  adminToken: string,
  env: Record<string, string>,
  how: 'create' | 'createMany' | 'driver',
  seconds: number,
): Promise<RowsWritten> {
  const couponId = await createCampaign(stack.firstReplicaUrl, adminToken, PLENTY);
  const processes = { database: [pidOf(stack.database)] };
  const program = join(projectRoot, 'dist', 'bench', 'rivals', 'write-rows.js');
  const before = readCpu(processes);
  const { stdout } = await run(process.execPath, [program, how, String(couponId), String(seconds)], { env });
  const wrote = JSON.parse(stdout) as { rows: number; seconds: number; cpuSeconds: number };
  const { database } = cpuPerRequest(before, readCpu(processes), wrote.rows);
  return {
    rowsPerSecond: wrote.rows / wrote.seconds,
    writerCpuUs: (wrote.cpuSeconds * 1e6) / wrote.rows,
    databaseCpuUs: database!,
  };
}

/** Coupons pile up while the worker sleeps; then it alone works until MySQL has all of them. */
export async function measureDrain(stack: BenchStack, adminToken: string, plan: Plan): Promise<RowsWritten> {
  const couponId = await createCampaign(stack.firstReplicaUrl, adminToken, PLENTY);
  const asked = { firstUser: 10_000_000, users: PLENTY, firstCoupon: couponId, coupons: 1 };
  await runWrk(stack.firstReplicaUrl, asked, { connections: plan.connections, seconds: plan.fillSeconds });
  const issued = Number(
    await stack.redisClient.hget(`{p${couponId % 16}}:coupon:${couponId}:meta`, 'issued'),
  );
  const processes = { worker: [pidOf(stack.worker)], database: [pidOf(stack.database)] };
  const before = readCpu(processes);
  const begun = performance.now();
  await stack.worker.thaw();
  await untilDrained(stack.redisClient, couponId, 5);
  const seconds = (performance.now() - begun) / 1000;
  const cpu = cpuPerRequest(before, readCpu(processes), issued);
  await stack.worker.freeze();
  return { rowsPerSecond: issued / seconds, writerCpuUs: cpu['worker']!, databaseCpuUs: cpu['database']! };
}

/** Issues a second of three replicas at once, each with a load generator of its own; the worker sleeps. */
export async function measureThreeReplicas(
  stack: BenchStack,
  adminToken: string,
  plan: Plan,
): Promise<number> {
  const couponId = await createCampaign(stack.firstReplicaUrl, adminToken, PLENTY);
  const loads = await Promise.all(
    [1, 2, 3].map(async (index) => {
      const { port } = await stack.api(index);
      const asked = { firstUser: index * 20_000_000, users: PLENTY, firstCoupon: couponId, coupons: 1 };
      const shape = { connections: Math.floor(plan.connections / 3), seconds: plan.fillSeconds };
      return runWrk(`http://127.0.0.1:${port}`, asked, shape);
    }),
  );
  return loads.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0);
}
