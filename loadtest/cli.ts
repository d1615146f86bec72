import { allowClosedOutput, abortOnSignals, say, runMain } from '../common/command-line.js';
import { readCommandLine, USAGE } from './cli-options.js';
import { auditCommand, runScenarioCommand, type Context } from './commands.js';

function run(context: Context): Promise<boolean> {
  const { command } = context.options;
  switch (command) {
    case 'audit':
      return auditCommand(context);
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
  const options = readCommandLine(process.argv.slice(2));
  const signal = abortOnSignals(() => 'everything goes back to what it was');
  return (await run({ options, signal, say })) ? 0 : 1;
}

// A campaign under load is brought to its end and the stack put back, whether or not anybody reads on.
allowClosedOutput('goOn');
await runMain(main, USAGE);
