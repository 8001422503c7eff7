const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    },
  ],
};

const common = {
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/patience.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  moduleNameMapper: {
    '^@app/(scim-api|platform-api|console|worker)$': '<rootDir>/apps/$1/src/index.ts',
    '^@app/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
};

const unit = ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'test/workspace/**/*.spec.ts'];

export default {
  workerIdleMemoryLimit: '1GB',
  // A promise that fails leaves its service and providers running: they must not keep the run from ending.
  forceExit: true,
  projects: [
    { ...common, displayName: 'unit', testMatch: unit.map((glob) => `<rootDir>/${glob}`) },
    {
      ...common,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.e2e-spec.ts'],
    },
    {
      ...common,
      displayName: 'conformance',
      testMatch: ['<rootDir>/test/conformance/*spec.ts'],
    },
  ],
};
