import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueWithWrk } from '../load/wrk.js';
import type { Plan } from '../plan.js';
import type { Servers } from '../system/servers.js';
import { startReplica } from '../system/replica.js';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

export interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

/** Our metrics and logger, and the libraries under them. */
const TELEMETRY =
  /\/(prom-client|pino|pino-http|pino-std-serializers|sonic-boom)\/|\/src\/(logger|http\/metrics)\.js$/;
const NOT_CPU = new Set(['(idle)', '(program)']);

/** Share of the sampled CPU time that was spent in logging and metrics or in what they called. */
export function computeTelemetryShare(profile: CpuProfile): number {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const inTelemetry = new Set<number>();
  const visit = (node: ProfileNode, inside: boolean): void => {
    const here = inside || TELEMETRY.test(node.callFrame.url);
    if (here) inTelemetry.add(node.id);
    for (const child of node.children ?? []) visit(byId.get(child)!, here);
  };
  visit(profile.nodes[0]!, false);
  let busy = 0;
  let telemetry = 0;
  for (const [i, id] of profile.samples.entries()) {
    if (NOT_CPU.has(byId.get(id)!.callFrame.functionName)) continue;
    const delta = profile.timeDeltas[i]!;
    busy += delta;
    if (inTelemetry.has(id)) telemetry += delta;
  }
  return busy === 0 ? 0 : telemetry / busy;
}

/** A replica of its own under `--cpu-prof`, which makes it slower: only the shares are used. */
export async function measureTelemetryShare(
  servers: Servers,
  { connections, fillSeconds }: Plan,
): Promise<number> {
  const folder = join(servers.folder, 'profile');
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const replica = await startReplica(servers, { name: 'profiled', durable: true, nodeOptions });
  const asked = { firstUser: 10_000_000, users: 50_000_000, firstCoupon: replica.couponId, coupons: 1 };
  await issueWithWrk(replica.url, asked, { connections, seconds: fillSeconds });
  // Its end writes the profile.
  await replica.api.stop();
  replica.redis.disconnect();
  await replica.redisServer.stop();
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error(`no CPU profile in ${folder}`);
  return computeTelemetryShare(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);
}
