import { allowClosedOutput } from '../stack/closed-output.js';
import { abortOnSignals, explain, INTERRUPTED, say } from './command-line.js';
import { readCommandLine, USAGE, UsageError, type CliOptions } from './cli-options.js';
import { auditCommand, floorCommand, runScenarioCommand, type Context } from './commands.js';

const OFF = 1;
const USAGE_FAULT = 2;

function run(context: Context): Promise<boolean> {
  const { command } = context.options;
  switch (command) {
    case 'audit':
      return auditCommand(context);
    case 'floor':
      return floorCommand(context);
    case 'peak':
    case 'sold-out':
    case 'duplicates':
    case 'arrival':
      return runScenarioCommand(context, command);
    default:
      return command satisfies never;
  }
}

async function main(): Promise<number> {
  let options: CliOptions;
  try {
    options = readCommandLine(process.argv.slice(2));
  } catch (err) {
    if (!(err instanceof UsageError)) throw err;
    process.stderr.write(`${err.message}\n\n${USAGE}`);
    return USAGE_FAULT;
  }
  const signal = abortOnSignals(() => 'everything goes back to what it was');
  try {
    return (await run({ options, signal, say })) ? 0 : OFF;
  } catch (err) {
    if (signal.aborted) return INTERRUPTED;
    process.stderr.write(`✗ ${explain(err)}\n`);
    return OFF;
  }
}

// A campaign under load is brought to its end and the stack put back, whether or not anybody reads on.
allowClosedOutput('goOn');
process.exitCode = await main();
