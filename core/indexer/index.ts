export { READER_ROLE } from './readerRole.ts'
export { type IndexerOptions, type RunningIndexer, startIndexer } from './startIndexer.ts'
export { VIEWS_SCHEMA } from './types.ts'
