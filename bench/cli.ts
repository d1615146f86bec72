import { parseArgs } from 'node:util';
import { PARTS, runBench, type Part } from './bench.js';
import { planOf } from './plan.js';
import { describe } from './report.js';
import { writeResult } from './results.js';
import { Sandbox } from './system/sandbox.js';

const HELP = `bench [--quick] [--parts ${PARTS.join(',')}] [--rows id,id] [--no-write]
Measures the service beside floors and rivals on this machine, alone if possible. Results: bench/results/latest.json.`;

const list = (text: string | undefined): string[] | undefined => text?.split(',').filter(Boolean);

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    parts: { type: 'string' },
    rows: { type: 'string' },
    'no-write': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  const parts = (list(values.parts) ?? PARTS) as Part[];
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0) throw new Error(`unknown parts: ${unknown.join(', ')}\n${HELP}`);
  const began = Date.now();
  const report = (line: string) => console.error(`[${Math.round((Date.now() - began) / 1000)} s] ${line}`);
  const plan = planOf(values.quick ? 'quick' : 'full');
  const result = await Sandbox.run(report, (sandbox) =>
    runBench(sandbox, { plan, parts, only: list(values.rows) }),
  );
  console.log(describe(result.rows, result.specials, result.targets));
  for (const note of result.notes) console.log(`Note: ${note}`);
  if (!values['no-write']) console.log(`\nWritten to ${writeResult(result)}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
