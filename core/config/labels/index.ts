/** Files of labels: what they may look like, and what is wrong with them. */
export { MAX_LABELS } from './collectRows.ts'
export { createChainReader } from './labelChains.ts'
export { labelsOfConfig, type SourcedLabel } from './labelsOfConfig.ts'
export { readTag } from './labelTags.ts'
export { type LabelFile, type ReadLabelOptions, readLabelFile, sourceOf } from './readLabelFile.ts'
export type { ConfigLabel, LabelRow } from './types.ts'
