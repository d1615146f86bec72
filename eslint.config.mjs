import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * Import direction: route → use case → Redis command → stream → drainer → store; `coupon/` imports nothing outside. Nothing
 * imports the composition roots but the programs, and `worker.ts` alone imports `worker/`. One rule for each set of files:
 * of several only the last would count.
 */
const mayNotImport = (files, folders, ...patterns) => ({
  files,
  ignores: ['api/src/worker.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...folders.map((folder) => ({
            group: [`**/${folder}/**`, `**/${folder}`],
            message: `this file does not import ${folder}/: see docs/adr/0001.`,
          })),
          ...patterns,
        ],
      },
    ],
  },
});
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
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
  {
    files: ['loadtest/k6/**/*.ts'],
    languageOptions: { globals: { __ENV: 'readonly', __VU: 'readonly', __ITER: 'readonly' } },
  },
  mayNotImport(['api/src/coupon/**/*.ts'], [], {
    group: ['../*'],
    message: 'coupon/ imports nothing outside itself: see docs/adr/0001.',
  }),
  folderMayNotImport('http', 'redis', 'db', 'worker', 'ops'),
  folderMayNotImport('redis', 'http', 'db', 'worker', 'ops'),
  folderMayNotImport('db', 'http', 'redis', 'worker', 'ops'),
  folderMayNotImport('worker', 'http', 'ops'),
  folderMayNotImport('ops', 'http', 'worker'),
  mayNotImport(['api/src/*.ts'], ['worker']),
  prettier,
);
