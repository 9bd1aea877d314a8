export {
  type Database,
  type DatabaseTransaction,
  connectDatabase,
  type Store,
} from './connectDatabase.ts'
export { migrateDatabase } from './migrateDatabase.ts'
export { createListener, type Listener, notify } from './notify.ts'
export { startEmbeddedPostgres, type EmbeddedPostgres } from './embeddedPostgres.ts'
export * as tables from './schema.ts'
