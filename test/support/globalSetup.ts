import { existsSync } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../core/store/embeddedPostgres.ts'
import { connectDatabase, migrateDatabase } from '../../core/store/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
    /** Name of a migrated database that others are copied from. */
    postgresTemplate: string
  }
}

const TEMPLATE = 'tocsin_template'

/** Migrated once for the whole run: a copy of it costs a fraction of what the migrations do. */
const makeTemplate = async (base: string): Promise<void> => {
  const client = new pg.Client({ connectionString: base })
  await client.connect()
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
  const url = new URL(base)
  url.pathname = `/${TEMPLATE}`
  // Nobody may be connected to what is copied.
  const store = await connectDatabase({ url: url.href, name: 'template', poolSize: 2 })
  await migrateDatabase(store)
  await store.stop()
}

/**
 * One real Postgres for all test files of all projects; each file takes a database of its own from it (see
 * `createTestDatabase`). The project that comes first starts it, the others join.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = `${process.pid}-${Math.round(performance.timeOrigin)}`
  const dataDir = join(tmpdir(), `tocsin-test-${run}`)
  const isFirst = !existsSync(dataDir)
  await mkdir(dataDir, { recursive: true })
  // As root, Postgres runs as another user, who must be able to enter.
  await chmod(dataDir, 0o755)
  const server = await startEmbeddedPostgres({ dataDir })
  if (isFirst) await makeTemplate(server.url)
  project.provide('postgresUrl', server.url)
  project.provide('postgresTemplate', TEMPLATE)
  return async () => {
    if (!isFirst) return
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
