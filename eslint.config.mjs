import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Our imports end in `.js`, as Node wants them; the source beside them ends in `.ts`. Packages are not looked into. */
const resolveSource = {
  interfaceVersion: 3,
  name: 'source',
  resolve(specifier, importer) {
    if (!specifier.startsWith('.')) return { found: true, path: null };
    const path = resolve(dirname(importer), specifier.replace(/\.js$/, '.ts'));
    return existsSync(path) ? { found: true, path } : { found: false };
  },
};

/** Folders beside `api/`, lowest first: each imports only those before it, and `api/` none of them. */
const ROOMS = ['common', 'stack', 'loadtest', 'compare', 'grafana', 'faults', 'bench', 'cli'];

/** One rule for each set of files: of several only the last would count. */
const restrict = (files, folders, ignores, ...patterns) => ({
  files,
  ignores: ['**/test/**', ...ignores],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...[...folders, 'test'].map((folder) => ({
            group: [`**/${folder}/**`, `**/${folder}`],
            message: `this file does not import ${folder}/: see docs/adr/0001.`,
          })),
          ...patterns,
        ],
      },
    ],
  },
});

/**
 * Import direction: route → use case → Redis command → stream → drainer → store; `coupon/` imports nothing outside. Nothing
 * imports the composition roots but the programs, and `worker.ts` alone imports `worker/`.
 */
const mayNotImport = (files, folders, ...patterns) =>
  restrict(files, [...folders, ...ROOMS], ['api/src/worker.ts'], ...patterns);
const COMPOSITION = {
  group: ['**/api.js', '**/worker.js', '**/lifecycle.js', '**/run-main.js', '**/main-*.js'],
  message: 'only the programs (main-*.ts) import what puts them together: see docs/adr/0001.',
};
const folderMayNotImport = (folder, ...folders) =>
  mayNotImport([`api/src/${folder}/**/*.ts`], folders, COMPOSITION);

export default tseslint.config(
  {
    ignores: [
      'dist',
      'node_modules',
      'api/src/db/generated',
      '.stack',
      '.tools',
      '.build',
      'loadtest/results',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.ts'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [resolveSource],
    },
    rules: { 'import-x/no-cycle': 'error' },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
  {
    files: ['loadtest/k6/**/*.ts'],
    languageOptions: { globals: { __ENV: 'readonly', __VU: 'readonly', __ITER: 'readonly' } },
  },
  ...ROOMS.map((room, i) =>
    restrict([`${room}/**/*.ts`], [...ROOMS.slice(i + 1), ...(room === 'common' ? ['api'] : [])], []),
  ),
  mayNotImport(['api/src/coupon/**/*.ts'], [], {
    group: ['../*'],
    message: 'coupon/ imports nothing outside itself: see docs/adr/0001.',
  }),
  folderMayNotImport('http', 'redis', 'db', 'worker', 'ops'),
  folderMayNotImport('redis', 'http', 'db', 'worker', 'ops'),
  folderMayNotImport('db', 'http', 'redis', 'worker', 'ops'),
  folderMayNotImport('traces', 'http', 'redis', 'db', 'worker', 'ops'),
  folderMayNotImport('worker', 'http', 'ops'),
  folderMayNotImport('ops', 'http', 'worker'),
  mayNotImport(['api/src/*.ts'], ['worker']),
  prettier,
);
