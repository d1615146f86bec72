import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Checks and compiles single files of a copy of the source: the whole takes more than a minute on two busy cores. */
export class Compiler {
  readonly #versions = new Map<string, number>();
  readonly #options: ts.CompilerOptions;
  readonly #service: ts.LanguageService;

  constructor(private readonly folder: string) {
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile) as {
      config: object;
    };
    this.#options = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, folder).options;
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => this.#options,
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      getScriptFileNames: () => [...this.#versions.keys()],
      getScriptVersion: (file) => String(this.#versions.get(file) ?? 0),
      getScriptSnapshot: (file) =>
        ts.sys.fileExists(file) ? ts.ScriptSnapshot.fromString(readFileSync(file, 'utf8')) : undefined,
      fileExists: (file) => ts.sys.fileExists(file),
      readFile: (file) => ts.sys.readFile(file),
      directoryExists: (path) => ts.sys.directoryExists(path),
      getDirectories: (path) => ts.sys.getDirectories(path),
      realpath: (path) => ts.sys.realpath!(path),
    });
  }

  /** Null, or the first fault. Also puts the compiled file into `dist`. */
  async compile(file: string): Promise<string | null> {
    const path = join(this.folder, file);
    this.#versions.set(path, (this.#versions.get(path) ?? 0) + 1);
    const [fault] = [
      ...this.#service.getSyntacticDiagnostics(path),
      ...this.#service.getSemanticDiagnostics(path),
    ];
    if (fault) return `${file}: ${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}`;
    // `isolatedModules`: a file can be compiled without the others. But it does not look for the package.json that says
    // what `nodenext` means, and would write CommonJS, which no program of the copy can load.
    const compilerOptions = { ...this.#options, module: ts.ModuleKind.ESNext, sourceMap: false };
    const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
      compilerOptions,
      fileName: path,
    });
    const made = join(this.folder, 'dist', file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(made), { recursive: true });
    await writeFile(made, outputText);
    return null;
  }
}
