#!/usr/bin/env node
import { CommanderError } from 'commander';
import { explain, INTERRUPTED, wasInterrupted } from '../common/command-line.js';
import { buildProgram } from './program.js';

/** Exit status: what the command sets, 2 when the command line is wrong, 130 after a signal, 1 when the command fails. */
try {
  await buildProgram().parseAsync();
} catch (err) {
  // It has been printed, or was `--help`.
  if (err instanceof CommanderError) process.exitCode = err.exitCode === 0 ? 0 : 2;
  else {
    process.exitCode = wasInterrupted() ? INTERRUPTED : 1;
    if (!wasInterrupted()) process.stderr.write(`✗ ${explain(err)}\n`);
  }
}
// Work that was given up may still wait for something.
if (wasInterrupted()) process.exit();
