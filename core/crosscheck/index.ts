export { type CrossCheckOptions, startCrossCheck } from './startCrossCheck.ts'
export { type CrossCheckView, viewCrossCheck } from './viewCrossCheck.ts'
