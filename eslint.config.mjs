import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Folders beside `api/`, lowest first: each imports only those before it. */
const ROOMS = ['common', 'stack', 'loadtest', 'grafana', 'telegraf', 'faults', 'bench'];

/** These borrow from a folder above them still. */
const BORROWERS = ['stack/compose-test/**'];

const restrict = (files, folder, others, ignores = []) => ({
  files,
  ignores: ['**/test/**', ...ignores],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [...others, 'test'].map((other) => ({
          group: [`**/${other}/**`, `**/${other}`],
          message: `${folder}/ does not import ${other}/: see docs/adr/0001.`,
        })),
      },
    ],
  },
});

/** Import direction: route → use case → Redis command → stream → drainer → store; `coupon/` imports nothing outside. */
const mayNotImport = (folder, ...others) =>
  restrict([`api/src/${folder}/**/*.ts`], folder, [...others, ...ROOMS]);

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
  ...ROOMS.map((room, i) =>
    restrict(
      [`${room}/**/*.ts`],
      room,
      room === 'common' ? [...ROOMS.slice(i + 1), 'api'] : ROOMS.slice(i + 1),
      BORROWERS,
    ),
  ),
  restrict(['api/src/*.ts', 'api/src/ops/**/*.ts'], 'api', ROOMS),
  mayNotImport('coupon', 'http', 'redis', 'db', 'worker', 'ops'),
  mayNotImport('http', 'redis', 'db', 'worker', 'ops'),
  mayNotImport('redis', 'http', 'db', 'worker', 'ops'),
  mayNotImport('db', 'http', 'redis', 'worker', 'ops'),
  mayNotImport('worker', 'http', 'ops'),
  prettier,
);
