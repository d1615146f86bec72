import { parseArgs } from 'node:util';
import { describeNeed } from './describe.js';
import { readMeasured } from './measured.js';
import { needOf } from './model.js';

const HELP = `capacity --users N --seconds S [--kept] [--from bench/results/FILE.json]
How many cores a rush of N users in S seconds takes, from the CPU per coupon that \`make bench\` measured.
--kept: users keep their connections, instead of a fresh one for each.`;

const { values } = parseArgs({
  options: {
    users: { type: 'string' },
    seconds: { type: 'string' },
    kept: { type: 'boolean', default: false },
    from: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

try {
  if (values.help || !values.users || !values.seconds) console.log(HELP);
  else {
    const rush = { users: Number(values.users), seconds: Number(values.seconds) };
    const measured = readMeasured(values.from);
    const need = needOf(rush, values.kept ? measured.kept : measured.fresh);
    console.log(describeNeed(rush, need, measured.from, measured.drainPerSecond));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
