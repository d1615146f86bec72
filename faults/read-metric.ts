import { requireMode, type Stack } from '../stack/types.js';

/** A metric without labels as /metrics of this service has it; NaN when it is not there. Native mode only. */
export async function readMetric(stack: Stack, service: string, metric: string): Promise<number> {
  const { port } = await requireMode(stack, 'native').service(service);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${metric} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
}
