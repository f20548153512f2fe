import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** The page's globals: the engine runs in a worker and in Node, where there is no page. */
const pageGlobals = [
  'document',
  'window',
  'localStorage',
  'sessionStorage',
  'alert',
  'confirm',
  'requestAnimationFrame',
];

export default tseslint.config(
  { ignores: ['dist/', '.cache/', 'test-results/', 'node_modules/', 'public/', 'shaders/'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', fetch: 'readonly' } },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/{gpu,graph,quant,models,peft,tokenizer,data,train,generate,formats,storage,engine,cli}/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-globals': ['error', ...pageGlobals] },
  },
  {
    files: ['src/studio/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat.recommended],
  },
);
