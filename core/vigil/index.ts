export { type CanaryState, readCanary } from './canary.ts'
export { startVigil, type Vigil } from './startVigil.ts'
export { type CommitWatch, startCommitWatch } from './watchCommits.ts'
