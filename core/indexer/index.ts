export { READER_ROLE } from './readerRole.ts'
export { VIEWS_SCHEMA } from './schemaName.ts'
export { type IndexerOptions, type RunningIndexer, startIndexer } from './startIndexer.ts'
