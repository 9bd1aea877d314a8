export {
  connectDatabase,
  type Database,
  type DatabaseTransaction,
  inTransaction,
  type Store,
} from './connectDatabase.ts'
export { type EmbeddedPostgres, startEmbeddedPostgres } from './embeddedPostgres.ts'
export { ensureIntakeRole, openIntakeRole } from './intakeRole.ts'
export { KEPT } from './keptStatements.ts'
export { migrateDatabase } from './migrateDatabase.ts'
export { createListener, type Listener, notify } from './notify.ts'
export {
  hasEmbeddedPostgres,
  isEmbeddedPostgresRunning,
  removeEmbeddedPostgres,
} from './removeEmbeddedPostgres.ts'
export * as tables from './schema.ts'
