import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const markSchema = z.object({
  step: z.int(),
  startMs: z.number(),
  behindMs: z.number(),
  connections: z.number(),
  cpuSeconds: z.number(),
});

/** The beginning of a step, and after the last one the end; `behindMs` and `connections` are of the step before; `cpuSeconds`: of the generator since its start. */
export type Mark = z.infer<typeof markSchema>;

export interface SteadyLoad {
  /** loadtest/burst, built. */
  program: string;
  url: string;
  couponId: number;
  /** Of the user ids: each call is a user of its own. */
  prefix: string;
  /** `500x10`: calls a second x seconds; `c64x10`: 64 connections that call again at once. */
  steps: readonly string[];
  clientLog: string;
  /** Called when a step begins, and at the end. */
  onMark: (mark: Mark) => void;
  signal: AbortSignal;
}

/** Runs loadtest/burst steady. @throws when it fails */
export async function runSteadyLoad(load: SteadyLoad): Promise<Mark[]> {
  const args = [
    ...['steady', '-address', new URL(load.url).host, '-path', `/api/v1/coupons/call/${load.couponId}`],
    ...['-prefix', load.prefix, '-log', load.clientLog, '-steps', load.steps.join(',')],
  ];
  const child = spawn(load.program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: load.signal });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const marks: Mark[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const mark = markSchema.parse(JSON.parse(line));
    marks.push(mark);
    load.onMark(mark);
  }
  const status = await ended;
  if (status !== 0) throw new Error(`the load generator ended with ${status}: ${complaint.trim()}`);
  return marks;
}
