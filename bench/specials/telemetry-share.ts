import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
export function telemetryShare(profile: CpuProfile): number {
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

/** The newest profile that `--cpu-prof` left in the folder. */
export function readProfile(folder: string): CpuProfile {
  const file = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .toSorted()
    .at(-1);
  if (!file) throw new Error(`no CPU profile in ${folder}`);
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
}
