/** Native ESM (node --experimental-vm-modules): Prisma's generated client fails when Jest turns it into CommonJS. */
const project = (name, extra = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/**/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.stack', '<rootDir>/.build'],
  ...extra,
});

export default {
  projects: [project('unit'), project('integration')],
  testTimeout: 60_000,
};
