import { describe, expect, it } from '@jest/globals';
import { CommanderError, type Command } from 'commander';
import { EVERY_SCENARIO } from '../../../faults/options.js';
import { defaultRounds } from '../../compare.js';
import { buildProgram } from '../../program.js';

/** What is written to standard error goes to `said`. */
function quietProgram(): { program: Command; said: () => string } {
  let text = '';
  const program = buildProgram();
  const writeErr = (part: string) => (text += part);
  for (const command of [program, ...program.commands])
    command.configureOutput({ writeErr, writeOut: writeErr });
  return { program, said: () => text };
}

/** The options that the command would be carried out with. */
function parse(...argv: string[]): Record<string, unknown> {
  const { program } = quietProgram();
  let options = {};
  for (const command of program.commands) command.action(() => void (options = command.opts()));
  program.parse(argv, { from: 'user' });
  return options;
}

describe('a command line', () => {
  it('is read into numbers, lists and words', () => {
    expect(parse('peak', '--api', '4', '--mode', 'native', '--users', '20')).toEqual({
      ...{ api: 4, mode: 'native', users: 20, generators: 1, allowRemote: false },
    });
    expect(parse('faults', '--only', '1, 3', '--seed', '9')).toMatchObject({ only: [1, 3], seed: 9 });
    expect(parse('compare', '--replicas', '4 1,2', '--api-cpus', '0')).toMatchObject({
      replicas: [1, 2, 4],
      apiCpus: 0,
    });
    expect(parse('soak', '--minutes', '0.3')).toMatchObject({ minutes: 0.3 });
    expect(parse('bench', '--parts', 'peak,redis', '--no-write')).toMatchObject({
      parts: ['peak', 'redis'],
      write: false,
    });
  });

  it('has defaults', () => {
    expect(parse('compare')).toMatchObject({
      replicas: [1, 2, 4],
      scenario: 'saturate',
      influx: true,
    });
    expect([defaultRounds('saturate'), defaultRounds('peak')]).toEqual([60, 3]);
    expect(parse('overload')).toEqual({ apiCpus: 0.06, api: 2 });
    expect(parse('up')).toEqual({});
  });

  it.each([
    [[], /Usage/],
    [['storm'], /unknown command 'storm'/],
    [['peak', '--speed', '9'], /unknown option '--speed'/],
    [['peak', '--stock', ''], /Expected a whole number from 1\./],
    [['up', '--api', '0'], /Expected a whole number from 1\./],
    [['up', '--api', '1.5'], /Expected a whole number from 1\./],
    [['up', '--mode', 'cloud'], /Allowed choices are native, compose/],
    [['scale'], /'--api <n>' not specified/],
    [['audit'], /'--coupon <id>' not specified/],
    [['compare', '--replicas', '0'], /Expected counts from 1 to 50/],
    [['compare', '--replicas', '4 4'], /named twice/],
    [['compare', '--rounds', '3', '4'], /too many arguments/],
    [['compare', '--rounds', '101'], /Expected a whole number from 1 to 100\./],
    [['compare', '--api-cpus', '0.001'], /Expected 0 or a number from 0.01 to /],
    [['compare', '--scenario', 'arrival', '--users', '9'], /arrival takes --rate, not --users/],
    [['compare', '--rate', '9'], /saturate takes --users, not --rate/],
    [['faults', '--only', '99'], new RegExp(`from ${EVERY_SCENARIO.join(', ')}\\.`)],
    [['faults', '--seed', '-1'], /Expected a whole number from 0 to 2147483647\./],
    [['soak', '--minutes', 'long'], /Expected a number from 0.01 to 600\./],
    [['campaigns', '--campaigns', '3'], /Expected a whole number from 20 to 100000\./],
    [['bench', '--parts', 'all'], /Expected some of kept/],
    [['side-by-side', 'speed', '.'], /Allowed choices are reads, idle/],
  ])('is refused, with what is allowed: %j', async (argv, message) => {
    const { program, said } = quietProgram();
    const refused = await program.parseAsync(argv, { from: 'user' }).catch((err: unknown) => err);
    expect(refused).toBeInstanceOf(CommanderError);
    expect((refused as CommanderError).exitCode).not.toBe(0);
    expect(said()).toMatch(message);
  });
});

describe('help', () => {
  it('lists every command and says what it does', () => {
    const { program } = quietProgram();
    const help = program.helpInformation();
    for (const command of program.commands) {
      expect(help).toContain(command.name());
      expect(command.description()).not.toBe('');
    }
  });
});
