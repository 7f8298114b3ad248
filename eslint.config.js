// One configuration for the whole house: the type-checked rules, the size limits and the import rules of the README.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const capabilities = ['communication', 'rotation', 'changeFeed'];
const forbid = (...patterns) => ({
  'no-restricted-imports': ['error', { patterns: patterns.map(([group, message]) => ({ group, message })) }],
});
const noLocal = [['**/local/**'], 'src/ never imports local/'];
const noFunctions = [['**/functions/**'], 'nothing imports functions/'];
const noFunctionsSdk = [['@azure/functions'], 'only src/functions knows @azure/functions'];

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'node_modules/', '.local*/', 'coverage/', 'test/local/host/app/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', 250],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 12],
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'take a Clock',
        },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'take a Clock' },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'take a source of randomness',
        },
        { selector: "CallExpression[callee.name='fetch']", message: 'use the rest client of src/platform' },
      ],
    },
  },
  { files: ['src/functions/**/*.ts'], rules: forbid(noLocal) },
  { files: ['cli/**/*.ts'], rules: forbid(noFunctions, noFunctionsSdk) },
  {
    files: ['src/platform/**/*.ts', 'src/telemetry/**/*.ts'],
    rules: forbid(noLocal, noFunctions, noFunctionsSdk, [
      capabilities.map((name) => `**/${name}/**`),
      'platform and telemetry know no capability',
    ]),
  },
  ...capabilities.map((capability) => ({
    files: [`src/${capability}/**/*.ts`],
    rules: forbid(noLocal, noFunctions, noFunctionsSdk, [
      capabilities.filter((other) => other !== capability).map((other) => `**/${other}/**`),
      'the capabilities never import one another',
    ]),
  })),
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      // node:test's test() returns a promise that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite'] },
          ],
        },
      ],
    },
  },
  // While the app loads there is no invocation to log to; the host prints the console's lines.
  {
    files: [
      'local/**/*.ts',
      'scripts/**/*.ts',
      'bench/**/*.ts',
      'src/functions/main.ts',
      'src/functions/startUp.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  { files: ['**/*.js', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['require', 'module', '__dirname', 'process', 'URL', 'Request'].map((name) => [name, 'readonly']),
      ),
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
