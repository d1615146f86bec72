/** Tests that should notice: those of a file whose title matches, or a scenario of the fault suite. */
export type Selection =
  { kind: 'unit' | 'integration'; file: string; title: string } | { kind: 'scenario'; scenario: number };

/** `find` occurs exactly once in the file. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** A change of the source that breaks a promise. */
export interface Mutant {
  name: string;
  edits: readonly Edit[];
  noticedBy: Selection;
  /** Redis version from which on the change does harm; older ones hide it. */
  redisSince?: number;
}

/** What a run of a selection came to. */
export interface TestRun {
  /** Names of the tests that passed, and of those that failed. */
  passed: readonly string[];
  failed: readonly string[];
  /** Why nothing can be said: it could not be run, or did not end. */
  broken?: string;
}

export interface MutantResult {
  name: string;
  caught: boolean;
  /** The first test that failed; else why it does not count as caught. */
  by: string;
  seconds: number;
}

class DoesNotApplyError extends Error {
  override readonly name = 'DoesNotApplyError';
}

/** Throws `DoesNotApplyError`: a mutant that no longer fits the source tests nothing. */
export function applyEdit(text: string, { file, find, replace }: Edit): string {
  const times = text.split(find).length - 1;
  if (times !== 1) throw new DoesNotApplyError(`the text to replace is ${times} times in ${file}:\n${find}`);
  // A function, because `$` means something in a replacement string.
  return text.replace(find, () => replace);
}

/** Where mutants are tried: a copy of the source. */
export interface Workshop {
  /** Applies all edits or none. Throws `DoesNotApplyError`. */
  apply(edits: readonly Edit[]): Promise<void>;
  /** Brings every file back to what it was. */
  revert(): Promise<void>;
  /** Compiles what the edits need. Null, or the first words of the compiler. */
  build(): Promise<string | null>;
  run(selection: Selection): Promise<TestRun>;
}

export const describeSelection = (selection: Selection): string =>
  selection.kind === 'scenario'
    ? `fault scenario ${selection.scenario}`
    : `${selection.file} › ${selection.title}`;

/** Throws when one mutant does not apply, before any test is run. */
async function checkThatAllApply(workshop: Workshop, mutants: readonly Mutant[]): Promise<void> {
  const faults: string[] = [];
  for (const { name, edits } of mutants) {
    try {
      await workshop.apply(edits);
    } catch (err) {
      if (!(err instanceof DoesNotApplyError)) throw err;
      faults.push(`mutant does not apply: ${name}\n  ${err.message}`);
    } finally {
      await workshop.revert();
    }
  }
  if (faults.length > 0) throw new DoesNotApplyError(faults.join('\n'));
}

/** The selections that one run can serve: those of one file, or one fault scenario. */
function groupSelections(mutants: readonly Mutant[]): Selection[] {
  const groups = new Map<string, { first: Selection; titles: Set<string> }>();
  for (const { noticedBy } of mutants) {
    const key = groupKey(noticedBy);
    const group = groups.get(key) ?? { first: noticedBy, titles: new Set() };
    if (noticedBy.kind !== 'scenario') group.titles.add(noticedBy.title);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ first, titles }) =>
    first.kind === 'scenario' ? first : { ...first, title: [...titles].join('|') },
  );
}

const groupKey = (selection: Selection): string =>
  selection.kind === 'scenario' ? describeSelection(selection) : selection.file;

/** The part of a run that a selection is about. */
function pickTitles({ passed, failed, broken }: TestRun, selection: Selection): TestRun {
  if (selection.kind === 'scenario') return { passed, failed, ...(broken && { broken }) };
  const isSelected = (name: string) => new RegExp(selection.title).test(name);
  return { passed: passed.filter(isSelected), failed: failed.filter(isSelected), ...(broken && { broken }) };
}

export interface RunHooks {
  onBaseline?: (selection: Selection, run: TestRun) => void;
  onResult?: (result: MutantResult) => Promise<void> | void;
}

/**
 * Tries the mutants one after the other. What they select is run once on the source as it is: tests that fail there, or match
 * nothing, tell nothing about a mutant.
 */
export async function tryMutants(
  workshop: Workshop,
  mutants: readonly Mutant[],
  { onBaseline, onResult }: RunHooks = {},
): Promise<MutantResult[]> {
  await checkThatAllApply(workshop, mutants);
  const fault = await workshop.build();
  if (fault) throw new Error(`the source as it is does not compile: ${fault}`);
  const baselines = new Map<string, TestRun>();
  for (const selection of groupSelections(mutants)) {
    const run = await workshop.run(selection);
    baselines.set(groupKey(selection), run);
    onBaseline?.(selection, run);
  }
  const results: MutantResult[] = [];
  for (const mutant of mutants) {
    const { noticedBy } = mutant;
    const beganMs = performance.now();
    const verdict = await tryMutant(
      workshop,
      mutant,
      pickTitles(baselines.get(groupKey(noticedBy))!, noticedBy),
    );
    const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
    const result = { name: mutant.name, ...verdict, seconds };
    results.push(result);
    await onResult?.(result);
  }
  return results;
}

type Verdict = Pick<MutantResult, 'caught' | 'by'>;

async function tryMutant(
  workshop: Workshop,
  { edits, noticedBy }: Mutant,
  baseline: TestRun,
): Promise<Verdict> {
  const notCaught = (by: string): Verdict => ({ caught: false, by });
  const what = describeSelection(noticedBy);
  if (baseline.broken)
    return notCaught(`void: ${what} cannot be run on the source as it is: ${baseline.broken}`);
  if (baseline.failed.length > 0)
    return notCaught(`void: fails on the source as it is: ${baseline.failed[0]}`);
  if (baseline.passed.length === 0) return notCaught(`void: no test matches ${what}`);
  try {
    await workshop.apply(edits);
    const fault = await workshop.build();
    if (fault) return notCaught(`invalid: does not compile: ${fault}`);
    const { passed, failed, broken } = await workshop.run(noticedBy);
    if (broken) return notCaught(`invalid: ${broken}`);
    if (failed.length > 0) return { caught: true, by: failed[0]! };
    return notCaught(passed.length > 0 ? `survived: ${what}` : `invalid: no test was run of ${what}`);
  } finally {
    await workshop.revert();
  }
}
