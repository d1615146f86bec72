import { Command } from 'commander';
import { allowClosedOutput } from '../common/command-line.js';
import { addCompareCommands } from './compare.js';
import { addFaultCommands } from './faults.js';
import { addLoadCommands } from './load.js';
import { addMeasureCommands } from './measure.js';
import { addStackCommands } from './stack.js';

/** They change nothing: when nobody reads on, they end. */
const ONLY_PRINT = ['status', 'logs', 'ops', 'comparisons', 'capacity'];

/** @returns the program; a wrong command line is a `CommanderError`, printed already */
export function buildProgram(): Command {
  const program = new Command('node dist/cli/main.js')
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .hook('preAction', (_, command) =>
      allowClosedOutput(ONLY_PRINT.includes(command.name()) ? 'end' : 'goOn'),
    );
  program.commandsGroup('The stack:');
  addStackCommands(program);
  program.commandsGroup('Load:');
  addLoadCommands(program);
  program.commandsGroup('Comparisons of replica counts:');
  addCompareCommands(program);
  program.commandsGroup('Faults:');
  addFaultCommands(program);
  program.commandsGroup('Measurements:');
  addMeasureCommands(program);
  return program;
}
