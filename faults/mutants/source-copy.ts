import { run } from '../../common/run-command.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Compiler } from './compiler.js';
import { applyEdit, type Edit, type Selection, type TestRun, type Workshop } from './mutant.js';

/** Of one selection. Far more than any needs: what does not end must not hold up the others for ever. */
const RUN_WITHIN_MS = 8 * 60_000;
/** Git-ignored, and needed all the same. */
const MADE_FILES = ['api/src/db/generated', 'dist', '.env'];
const SEED = '1';
/** A script or a configuration that its server refuses whole is no change of behaviour. */
const REFUSED_WHOLE = /Error compiling script|\[emerg\]/;

interface JestReport {
  testResults: {
    name: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

/** A copy of the files that git knows or would take, with the packages of the checkout. */
export class SourceCopy implements Workshop {
  readonly #before = new Map<string, string>();
  /** Files that changed since they were compiled. */
  readonly #unbuilt = new Set<string>();
  readonly #compiler: Compiler;

  private constructor(private readonly folder: string) {
    this.#compiler = new Compiler(folder);
  }

  static async make(root: string, folder: string): Promise<SourceCopy> {
    await rm(folder, { recursive: true, force: true });
    const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { stdout } = await run('git', listing, { cwd: root, maxBuffer: 2 ** 26 });
    for (const file of [...stdout.split('\0'), ...MADE_FILES]) {
      if (file === '' || !existsSync(join(root, file))) continue;
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await cp(join(root, file), join(folder, file), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new SourceCopy(folder);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async apply(edits: readonly Edit[]): Promise<void> {
    const changed = new Map<string, string>();
    for (const edit of edits) {
      const text = changed.get(edit.file) ?? (await readFile(join(this.folder, edit.file), 'utf8'));
      if (!changed.has(edit.file)) this.#before.set(edit.file, text);
      changed.set(edit.file, applyEdit(text, edit));
    }
    await this.#write(changed);
  }

  async revert(): Promise<void> {
    await this.#write(this.#before);
    this.#before.clear();
  }

  /** Programs that tests start run from `dist`; and a mutant that does not compile would be caught by nothing but that. */
  async build(): Promise<string | null> {
    const files = [...this.#unbuilt];
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const fault = await this.#compiler.compile(file);
      if (fault) return fault;
    }
    if (files.some((name) => name.endsWith('.lua')))
      await run(process.execPath, ['scripts/copy-lua.mjs'], { cwd: this.folder });
    this.#unbuilt.clear();
    return null;
  }

  run(selection: Selection): Promise<TestRun> {
    return selection.kind === 'scenario'
      ? this.#runFaultScenario(selection.scenario)
      : this.#runJest(selection);
  }

  async #runJest({ kind, file, title }: Exclude<Selection, { kind: 'scenario' }>): Promise<TestRun> {
    const report = join(this.folder, 'dist', 'jest.json');
    await rm(report, { force: true });
    const jest = [
      join(this.folder, 'node_modules/jest/bin/jest.js'),
      '--selectProjects',
      kind,
      '--forceExit',
    ];
    const chosen = ['--runTestsByPath', file, '--testNamePattern', title];
    const output = await this.#node([
      ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest, ...chosen],
      ...['--json', '--outputFile', report],
    ]);
    if (!existsSync(report))
      return { passed: [], failed: [], broken: output.broken ?? 'jest wrote no report' };
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as JestReport;
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = tests.filter(({ status }) => status === 'failed');
    const names = failed.map(({ fullName }) => fullName);
    const messages = failed.flatMap(({ failureMessages }) => failureMessages);
    // No test at all: the file itself could not be loaded.
    const why =
      tests.length === 0 ? testResults[0]?.message : messages.find((text) => REFUSED_WHOLE.test(text));
    const passed = tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName);
    return { passed, failed: names, ...(why ? { broken: why.slice(0, 300) } : {}) };
  }

  async #runFaultScenario(scenario: number): Promise<TestRun> {
    const { text, broken } = await this.#node([
      'dist/cli/main.js',
      'faults',
      '--only',
      String(scenario),
      '--seed',
      SEED,
    ]);
    const counts = /^Tests: (\d+) passed, (\d+) failed/m.exec(text);
    if (!counts)
      return { passed: [], failed: [], broken: broken ?? 'the fault suite did not come to its end' };
    const name = `fault scenario ${scenario}`;
    if (Number(counts[2]) === 0) return { passed: [name], failed: [] };
    return { passed: [], failed: [`${name}: ${/FAILED\n\s*(.*)/.exec(text)?.[1] ?? ''}`] };
  }

  /** In a process group of its own: what a run that does not end has started goes with it. */
  async #node(args: readonly string[]): Promise<{ text: string; broken?: string }> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
    let late = false;
    const killer = setTimeout(() => {
      late = true;
      process.kill(-child.pid!, 'SIGKILL');
    }, RUN_WITHIN_MS);
    const endGroup = (): void => void process.kill(-child.pid!, 'SIGTERM');
    process.once('exit', endGroup);
    await once(child, 'close');
    process.off('exit', endGroup);
    clearTimeout(killer);
    return { text, ...(late ? { broken: `did not end within ${RUN_WITHIN_MS / 60_000} minutes` } : {}) };
  }

  async #write(texts: ReadonlyMap<string, string>): Promise<void> {
    for (const [file, text] of texts) {
      await writeFile(join(this.folder, file), text);
      this.#unbuilt.add(file);
    }
  }
}
