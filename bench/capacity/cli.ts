import { readArguments, readNumber, runMain, say } from '../../common/command-line.js';
import { describeNeed } from './describe.js';
import { readMeasured } from './measured.js';
import { computeNeed } from './model.js';

const HELP = `capacity --users N --seconds S [--kept] [--from bench/results/FILE.json]
How many cores a rush of N users in S seconds takes, from the CPU per coupon that \`make bench\` measured.
--kept: users keep their connections, instead of a fresh one for each.`;

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      users: { type: 'string' },
      seconds: { type: 'string' },
      kept: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const users = readNumber('--users', values.users);
  const seconds = readNumber('--seconds', values.seconds, { least: 0.001, whole: false });
  if (values.help || users === undefined || seconds === undefined) {
    say(HELP);
    return 0;
  }
  const rush = { users, seconds };
  const measured = readMeasured(values.from);
  const need = computeNeed(rush, values.kept ? measured.kept : measured.fresh);
  say(describeNeed(rush, need, measured.from, measured.drainPerSecond));
  return 0;
}

await runMain(main, HELP);
