import { ConfigError } from './config.js';

/** sysexits.h: EX_CONFIG. */
export const EXIT_CONFIG = 78;

/** Errors whose message is all that an operator needs, with the exit status that each stands for. */
type ExpectedErrors = readonly (readonly [errorClass: new (message: string) => Error, status: number])[];

/**
 * Runs a program. A wrong environment and the expected errors end it with their message on stderr and their status; anything
 * else is a fault, of which Node shows the stack, with status 1.
 */
export async function runMain(main: () => Promise<void>, expected: ExpectedErrors = []): Promise<void> {
  try {
    await main();
  } catch (err) {
    const all: ExpectedErrors = [[ConfigError, EXIT_CONFIG], ...expected];
    const found = all.find(([errorClass]) => err instanceof errorClass);
    if (!found) throw err;
    process.stderr.write(`${(err as Error).message}\n`);
    // What was printed before goes out first.
    process.stdout.write('', () => process.exit(found[1]));
  }
}
