import { openStack } from '../stack/open-stack.js';
import { provideK6 } from '../loadtest/k6-binary.js';
import { INSTANCE, patientEnvironment, type Bench } from './context.js';
import { openInflux, type OpenInflux } from './open-influx.js';
import type { CompareOptions } from './options.js';
import { ReplicaCaps } from '../loadtest/replica-caps.js';

/** Everything a comparison needs, and nothing left behind: what was started goes down again, InfluxDB's data stay. */
export async function withBench<T>(
  options: CompareOptions,
  tools: { say: (line: string) => void; signal: AbortSignal },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const { say, signal } = tools;
  const k6 = await provideK6({ onProgress: say, signal });
  const stack = await openStack({
    name: INSTANCE,
    // `make compare API_CPUS=…` sets it for everything that make starts; replicas are capped once they are warm.
    env: { ...patientEnvironment, API_CPUS: '0' },
    onProgress: (line) => say(`  ${line}`),
    ...(options.mode && { mode: options.mode }),
  });
  const caps = new ReplicaCaps(stack, INSTANCE);
  let open: OpenInflux | null = null;
  try {
    if (options.influx) open = await openInflux(stack.mode, say);
    // Coupons of earlier comparisons would stay in Redis for a week: the next ones would not fit.
    await stack.destroy();
    say(`Stack: up, with ${options.replicas.at(-1)!} replicas`);
    await stack.up({ api: options.replicas.at(-1)!, signal });
    const result = await work({
      stack,
      caps,
      k6,
      influx: open?.influx ?? null,
      influxPid: open?.pid,
      say,
      signal,
    });
    if (open) say(`  ${open.dashboards}`);
    return result;
  } finally {
    say('Stack: down');
    // Replicas that are gone have no cap left.
    await caps.lift().catch(() => undefined);
    await stack.down();
    await open?.close();
  }
}
