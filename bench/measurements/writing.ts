import { join } from 'node:path';
import { metaKey } from '../../api/src/redis/keys.js';
import { cpuPerRequest, readCpu } from '../../common/cpu-time.js';
import { projectRoot } from '../../common/paths.js';
import { run } from '../../common/run-command.js';
import { issueWithWrk } from '../load/wrk.js';
import type { Plan } from '../plan.js';
import { createCampaign, PLENTY, untilDrained } from '../system/campaigns.js';
import type { Servers } from '../system/servers.js';
import type { System } from '../system/system.js';

/** Those of alternatives/write-rows.ts. */
export type WritingWay = 'create' | 'createMany' | 'driver';

export interface RowsWritten {
  readonly rowsPerSecond: number;
  /** µs of CPU of the writer a row. */
  readonly writerCpuUs: number;
  /** µs of CPU of the database a row. */
  readonly databaseCpuUs: number;
}

/** One writer that is not our worker. */
export async function measureAlternative(
  servers: Servers,
  { admin }: System,
  way: WritingWay,
  seconds: number,
): Promise<RowsWritten> {
  const couponId = await createCampaign(admin);
  const env = await servers.makeEnvironment((await servers.service('redis')).port, {});
  const processes = { database: [(await servers.service('database')).pid!] };
  const program = join(projectRoot, 'dist', 'bench', 'alternatives', 'write-rows.js');
  const before = readCpu(processes);
  const { stdout } = await run(process.execPath, [program, way, String(couponId), String(seconds)], { env });
  const wrote = JSON.parse(stdout) as { rows: number; seconds: number; cpuSeconds: number };
  return {
    rowsPerSecond: wrote.rows / wrote.seconds,
    writerCpuUs: (wrote.cpuSeconds * 1e6) / wrote.rows,
    databaseCpuUs: cpuPerRequest(before, readCpu(processes), wrote.rows)['database']!,
  };
}

/** Coupons pile up while the worker sleeps; then it alone works until MySQL has all of them. */
export async function measureDrain(
  servers: Servers,
  { admin, firstReplicaUrl, redis, worker }: System,
  { connections, fillSeconds }: Plan,
): Promise<RowsWritten> {
  const couponId = await createCampaign(admin);
  const asked = { firstUser: 10_000_000, users: PLENTY, firstCoupon: couponId, coupons: 1 };
  await issueWithWrk(firstReplicaUrl, asked, { connections, seconds: fillSeconds });
  const issued = Number(await redis.hget(metaKey(couponId), 'issued'));
  const processes = { worker: [worker.pid!], database: [(await servers.service('database')).pid!] };
  const before = readCpu(processes);
  const begun = performance.now();
  await worker.thaw();
  await untilDrained(redis, couponId, 5);
  const seconds = (performance.now() - begun) / 1000;
  const cpu = cpuPerRequest(before, readCpu(processes), issued);
  await worker.freeze();
  return { rowsPerSecond: issued / seconds, writerCpuUs: cpu['worker']!, databaseCpuUs: cpu['database']! };
}

/** Issues a second of three replicas at once, each with a load generator of its own; the worker sleeps. */
export async function measureThreeReplicas(servers: Servers, system: System, plan: Plan): Promise<number> {
  await servers.stack.scale(3);
  const couponId = await createCampaign(system.admin);
  const shape = { connections: Math.floor(plan.connections / 3), seconds: plan.fillSeconds };
  const loads = await Promise.all(
    [1, 2, 3].map(async (index) => {
      const { port } = await servers.service(`api-${index}`);
      const asked = { firstUser: index * 20_000_000, users: PLENTY, firstCoupon: couponId, coupons: 1 };
      return await issueWithWrk(`http://127.0.0.1:${port}`, asked, shape);
    }),
  );
  return loads.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0);
}
