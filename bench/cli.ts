import { readArguments, runMain, say, UsageError } from '../common/command-line.js';
import { PARTS, runBench, type Part } from './bench.js';
import { planOf } from './plan.js';
import { describe } from './report.js';
import { writeResult } from './results.js';
import { Sandbox } from './system/sandbox.js';

const HELP = `bench [--quick] [--parts ${PARTS.join(',')}] [--rows id,id] [--no-write]
Measures the service beside floors and rivals on this machine, alone if possible. Results: bench/results/latest.json.`;

const list = (text: string | undefined): string[] | undefined => text?.split(',').filter(Boolean);

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      quick: { type: 'boolean', default: false },
      parts: { type: 'string' },
      rows: { type: 'string' },
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
  const plan = planOf(values.quick ? 'quick' : 'full');
  const result = await Sandbox.run(report, (sandbox) =>
    runBench(sandbox, { plan, parts, only: list(values.rows) }),
  );
  say(describe(result.rows, result.specials, result.targets));
  for (const note of result.notes) say(`Note: ${note}`);
  if (!values['no-write']) say(`\nWritten to ${writeResult(result)}`);
  return 0;
}

await runMain(main, HELP);
