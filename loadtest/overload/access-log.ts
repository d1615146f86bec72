import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** What nginx's access log tells of the issue calls of one coupon. */
export interface Passes {
  calls: number;
  /** Refused by nginx alone: no replica heard of them. */
  refusedByNginx: number;
  refusedByReplicas: number;
  /** Calls by the number of replicas that were asked, one after the other. */
  askedReplicas: Record<number, number>;
}

const lineSchema = z.object({ status: z.number(), upstream: z.string() });
const ADDRESS = /\d+\.\d+\.\d+\.\d+:\d+/g;

/** `opsAddress`: where nginx asks itself for a note, which is no replica. */
export async function readPasses(file: string, couponId: number, opsAddress: string): Promise<Passes> {
  const passes: Passes = { calls: 0, refusedByNginx: 0, refusedByReplicas: 0, askedReplicas: {} };
  const call = `"uri":"/api/v1/coupons/call/${couponId}"`;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (!text.includes(call)) continue;
    const { status, upstream } = lineSchema.parse(JSON.parse(text));
    const asked = (upstream.match(ADDRESS) ?? []).filter((address) => address !== opsAddress).length;
    passes.calls += 1;
    passes.askedReplicas[asked] = (passes.askedReplicas[asked] ?? 0) + 1;
    if (status === 503) passes[asked === 0 ? 'refusedByNginx' : 'refusedByReplicas'] += 1;
  }
  return passes;
}
