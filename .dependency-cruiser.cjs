const STAGES = 'engine|alerts|response|cex|forta'
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['\\.d\\.ts$', '\\.test\\.ts$', '\\.config\\.(ts|cjs|js)$', '^src/', '^abis/', '^ponder\\.schema', '^\\.dependency-cruiser'],
      },
      to: {},
    },
    {
      name: 'base-imports-nothing-internal',
      severity: 'error',
      from: { path: '^core/base/' },
      to: { path: '^core/(?!base/)' },
    },
    {
      name: 'stages-do-not-import-each-other',
      severity: 'error',
      from: { path: `^core/(${STAGES})/`, pathNot: '\\.test\\.ts$' },
      to: { path: `^core/(${STAGES})/`, pathNot: '^core/$1/' },
    },
    {
      name: 'rooms-are-entered-by-their-door',
      comment: 'types.ts and schema.ts of a room are data and may be read directly; light.ts is a side door that loads no database.',
      severity: 'error',
      from: { path: '^core/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^core/([^/]+)/(?!index|light|types|schema|probe/index)', pathNot: ['^core/$1/', '^core/cli/'] },
    },
    {
      name: 'nothing-imports-the-command-line',
      severity: 'error',
      from: { path: '^(core|bots|actions|src|abis)/', pathNot: '^core/cli/|\\.test\\.ts$' },
      to: { path: '^core/cli/' },
    },
    {
      name: 'bots-and-actions-use-the-public-door',
      severity: 'error',
      from: { path: '^(bots|actions)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^core/', pathNot: '^core/(index|testing/index)\\.ts$' },
    },
    {
      name: 'ponder-app-is-an-island',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/api/' },
      to: { path: '^(core|bots|actions|demo)/' },
    },
    {
      name: 'nothing-imports-the-ponder-app',
      severity: 'error',
      from: { pathNot: '^(src|test)/' },
      to: { path: '^src/' },
    },
    { name: 'abis-are-data', severity: 'error', from: { path: '^abis/' }, to: { pathNot: '^abis/|node_modules/viem/' } },
    {
      name: 'only-the-response-signs',
      severity: 'error',
      from: { path: '^(core|bots|actions|src)/', pathNot: '^core/(response|testing)/|\\.test\\.ts$' },
      to: { path: 'viem/.*accounts' },
    },
    {
      name: 'production-does-not-import-tests',
      severity: 'error',
      from: { path: '^(core|bots|actions|src|abis|demo)/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$|^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.ponder|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['tocsin-source', 'import', 'types', 'default'] },
  },
}
