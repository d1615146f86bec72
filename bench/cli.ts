import { readArguments, readNumber, runMain, say, UsageError } from '../common/command-line.js';
import { PARTS, runBench, type Part } from './bench.js';
import { choosePlan } from './plan.js';
import { describeResult } from './report.js';
import { writeResult } from './results.js';
import { withServers } from './system/servers.js';

const HELP = `bench [--quick] [--parts ${PARTS.join(',')}] [--subjects id,id] [--peak-rounds N] [--no-write]
Measures the service beside baselines and alternatives on this machine, alone if possible. Results: bench/results/latest.json.`;

const list = (text: string | undefined): string[] | undefined => text?.split(',').filter(Boolean);

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      quick: { type: 'boolean', default: false },
      parts: { type: 'string' },
      subjects: { type: 'string' },
      'peak-rounds': { type: 'string' },
      'no-write': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const parts = (list(values.parts) ?? PARTS) as Part[];
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0) throw new UsageError(`unknown parts: ${unknown.join(', ')}`);
  const began = Date.now();
  const report = (line: string) => console.error(`[${Math.round((Date.now() - began) / 1000)} s] ${line}`);
  const chosen = choosePlan(values.quick ? 'quick' : 'full');
  const peakRounds = readNumber('--peak-rounds', values['peak-rounds']) ?? chosen.peakRounds;
  const result = await withServers(report, (servers) =>
    runBench(servers, { plan: { ...chosen, peakRounds }, parts, only: list(values.subjects) }),
  );
  say(describeResult(result));
  if (!values['no-write']) say(`\nWritten to ${writeResult(result)}`);
  return 0;
}

await runMain(main, HELP);
