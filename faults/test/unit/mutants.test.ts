import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compiler } from '../../mutants/compiler.js';
import { HTTP_MUTANTS } from '../../mutants/http-mutants.js';
import {
  applyEdit,
  tryMutants,
  type Edit,
  type Mutant,
  type TestRun,
  type Workshop,
} from '../../mutants/mutant.js';
import { REDIS_MUTANTS } from '../../mutants/redis-mutants.js';
import { WORKER_MUTANTS } from '../../mutants/worker-mutants.js';

const TITLE = 'adds two numbers';

/** A source of one file, `add`, and the one test it has. */
class SmallWorkshop implements Workshop {
  #text = 'const add = (a, b) => a + b;';
  readonly #before = this.#text;

  constructor(private readonly expected = 5) {}

  async apply(edits: readonly Edit[]): Promise<void> {
    for (const edit of edits) this.#text = applyEdit(this.#text, edit);
  }
  async revert(): Promise<void> {
    this.#text = this.#before;
  }
  async build(): Promise<string | null> {
    try {
      this.#compile();
      return null;
    } catch (err) {
      return String(err);
    }
  }
  async run(): Promise<TestRun> {
    const passes = this.#compile()(2, 3) === this.expected;
    return { passed: passes ? [TITLE] : [], failed: passes ? [] : [TITLE] };
  }

  #compile(): (a: number, b: number) => number {
    return new Function(`${this.#text} return add;`)() as (a: number, b: number) => number;
  }
}

const mutant = (find: string, replace: string, title = TITLE): Mutant => ({
  name: `${find} → ${replace}`,
  edits: [{ file: 'add.js', find, replace }],
  noticedBy: { kind: 'unit', file: 'add.test.js', title },
});
const tryOne = async (one: Mutant, workshop = new SmallWorkshop()) => (await tryMutants(workshop, [one]))[0]!;

describe('a mutant', () => {
  it('that a test notices is caught, by that test', async () => {
    expect(await tryOne(mutant('a + b', 'a - b'))).toMatchObject({ caught: true, by: TITLE });
  });

  it('that does no harm is reported as a survivor', async () => {
    const { caught, by } = await tryOne(mutant('a + b', 'b + a'));
    expect([caught, by]).toEqual([false, 'survived: add.test.js › adds two numbers']);
  });

  it('that does not compile is invalid, not caught', async () => {
    const { caught, by } = await tryOne(mutant('a + b', 'a +'));
    expect([caught, by]).toEqual([false, expect.stringMatching(/^invalid: does not compile/)]);
  });

  it('proves nothing when its test fails without it, or when no test has that title', async () => {
    const harmful = mutant('a + b', 'a - b');
    const red = await tryOne(harmful, new SmallWorkshop(6));
    expect([red.caught, red.by]).toEqual([
      false,
      expect.stringMatching(/^void: fails on the source as it is/),
    ]);
    const missing = await tryOne(mutant('a + b', 'a - b', 'no such title'));
    expect([missing.caught, missing.by]).toEqual([false, expect.stringMatching(/^void: no test matches/)]);
  });

  it.each(['a * b', 'a'])('whose text is not exactly once in the file (%j) ends the run', async (find) => {
    await expect(tryOne(mutant(find, 'x'))).rejects.toThrow(/mutant does not apply/);
  });

  it('leaves nothing behind for the next one', async () => {
    const results = await tryMutants(new SmallWorkshop(), [
      mutant('a + b', 'a - b'),
      mutant('a + b', 'a + b + 0'),
    ]);
    expect(results.map(({ caught }) => caught)).toEqual([true, false]);
  });
});

describe('the compiler of single files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'test-mutants-'));
  const write = (text: string) => writeFileSync(join(folder, 'one.ts'), text);
  beforeAll(() => writeFileSync(join(folder, 'tsconfig.json'), '{"compilerOptions":{"strict":true}}'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('says what is wrong with a file, and puts it into dist when nothing is', async () => {
    const compiler = new Compiler(folder);
    write('export const one: string = 1;');
    expect(await compiler.compile('one.ts')).toMatch(/one\.ts: .*not assignable/);
    write('export const one: number = 1;');
    expect(await compiler.compile('one.ts')).toBeNull();
    expect(readFileSync(join(folder, 'dist', 'one.js'), 'utf8')).toMatch(/one = 1/);
  });
});

describe('the mutants of this project', () => {
  const all = [...REDIS_MUTANTS, ...WORKER_MUTANTS, ...HTTP_MUTANTS];

  it('have names of their own, and each applies to the source as it is', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { edits } of all) {
      const texts = new Map<string, string>();
      for (const edit of edits)
        texts.set(edit.file, applyEdit(texts.get(edit.file) ?? readFileSync(edit.file, 'utf8'), edit));
    }
  });
});
