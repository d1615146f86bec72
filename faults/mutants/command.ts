import { join, relative } from 'node:path';
import { INTERRUPTED, say } from '../../common/command-line.js';
import { writeJson } from '../../common/json-file.js';
import { projectRoot, resultsFolder } from '../../common/paths.js';
import { table } from '../../common/table.js';
import { requirePrograms } from '../../stack/install.js';
import { versionText } from '../../stack/native/programs.js';
import { HTTP_MUTANTS } from './http-mutants.js';
import { describeSelection, tryMutants, type Mutant, type MutantResult } from './mutant.js';
import { REDIS_MUTANTS } from './redis-mutants.js';
import { SourceCopy } from './source-copy.js';
import { WORKER_MUTANTS } from './worker-mutants.js';

const slowness = ({ noticedBy }: Mutant): number => (noticedBy.kind === 'scenario' ? 1 : 0);

/** Fault scenarios take longest: last. */
const ALL: readonly Mutant[] = [...REDIS_MUTANTS, ...WORKER_MUTANTS, ...HTTP_MUTANTS].toSorted(
  (a, b) => slowness(a) - slowness(b),
);

async function redisVersion(): Promise<string> {
  return /v=(\d+\.\d+\.\d+)/.exec(await versionText((await requirePrograms()).redis))?.[1] ?? '0.0';
}

/** @param only a part of the names of the mutants to try @returns whether every one was caught */
export async function tryMutantsCommand({ only }: { only?: string }): Promise<boolean> {
  // So that the run under way goes too: see source-copy.ts.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(INTERRUPTED));
  const wanted = ALL.filter(({ name }) => name.includes(only ?? ''));
  if (wanted.length === 0)
    throw new Error(`no mutant is called ${only}:\n${ALL.map(({ name }) => name).join('\n')}`);
  const redis = await redisVersion();
  const skipped = wanted.filter(({ redisSince = 0 }) => Number.parseFloat(redis) < redisSince);
  for (const { name, redisSince } of skipped)
    say(`skipped, needs Redis ${redisSince} (REDIS_SERVER), this is ${redis}: ${name}`);
  const mutants = wanted.filter((mutant) => !skipped.includes(mutant));

  const startedAt = new Date();
  const finished: MutantResult[] = [];
  // A selection has a file of its own, so that it does not pass for the whole.
  const file = join(resultsFolder('faults'), only ? 'mutants-selection.json' : 'mutants.json');
  const copy = await SourceCopy.make(projectRoot, join(projectRoot, '.stack', `mutants-${process.pid}`));
  say(`${mutants.length} mutants, Redis ${redis}`);
  const results = await tryMutants(copy, mutants, {
    onBaseline: (selection, { passed, failed, broken }) =>
      say(
        `  as it is: ${describeSelection(selection)}: ${broken ?? `${passed.length} passed, ${failed.length} failed`}`,
      ),
    onResult: (result) => {
      const { name: mutant, caught, by, seconds } = result;
      say(`${caught ? 'caught' : 'NOT CAUGHT'} in ${seconds} s: ${mutant}\n    ${by}`);
      finished.push(result);
      // After each of them: a run that is broken off has shown something too.
      writeJson(file, {
        startedAt: startedAt.toISOString(),
        durationMs: Date.now() - startedAt.getTime(),
        redis,
        wanted: mutants.length,
        skipped: skipped.map((one) => one.name),
        mutants: finished,
      });
    },
  });
  await copy.remove();
  const cells = results.map(({ name, caught, by, seconds }) => [
    caught ? 'caught' : 'NOT CAUGHT',
    name,
    String(seconds),
    by,
  ]);
  say(`\n${table([['', 'mutant', 's', 'by'], ...cells])}\n\n${relative(projectRoot, file)}`);
  const caught = results.filter((result) => result.caught).length;
  say(`Tests: ${caught} passed, ${results.length - caught} failed (mutants)`);
  return caught === results.length;
}
