import { readCommandLine, USAGE, UsageError, type CliOptions } from './cli-options.js';
import { auditCommand, floorCommand, runScenarioCommand, type Context } from './commands.js';

const OFF = 1;
const USAGE_FAULT = 2;
const INTERRUPTED = 130;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The first signal stops the work and cleans up; a second one ends the process at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      say(`\n${name}: stopping, everything goes back to what it was (once more: at once)`);
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}

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

/** Every cause in the chain: a wrapped fault without its reason helps nobody. */
function explain(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.cause === undefined ? err.message : `${err.message}\n  because: ${explain(err.cause)}`;
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
  const signal = abortOnSignals();
  try {
    return (await run({ options, signal, say })) ? 0 : OFF;
  } catch (err) {
    if (signal.aborted) return INTERRUPTED;
    process.stderr.write(`✗ ${explain(err)}\n`);
    return OFF;
  }
}

process.exitCode = await main();
