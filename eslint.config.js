import tseslint from 'typescript-eslint'

// Biome checks everything else; these need types. A lost promise is a lost alert.
export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.tocsin/**'] },
  {
    files: ['{core,bots,actions,demo,bench,test}/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { ts: tseslint.plugin },
    rules: {
      'ts/no-floating-promises': 'error',
      'ts/no-misused-promises': 'error',
      'ts/await-thenable': 'error',
      'ts/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
)
