import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createLoop, messageOf, portError, sleep, TocsinError, tryPort } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Logger, Meter, ProcessReport, RunningProcess } from '../telemetry/index.ts'
import { dropOldBuilds, freeBuildSchema } from './buildSchemas.ts'
import { deriveEndpoints, deriveInput } from './deriveInput.ts'
import { registerIndexerMetrics } from './indexerMetrics.ts'
import { ensureReaderRole, READER_ROLE } from './readerRole.ts'
import { readStatus } from './readStatus.ts'
import { schemaName } from './schemaName.ts'
import { findPackageRoot, spawnPonder } from './spawnPonder.ts'
import { VIEWS_SCHEMA } from './types.ts'
import { watchProgress } from './watchProgress.ts'

export type IndexerOptions = {
  readonly config: Config
  readonly databaseUrl: string
  /** Where GraphQL and SQL are served. */
  readonly port: number
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Called when Ponder ends by itself. Default: the error ends this process, and the supervisor starts it again. */
  readonly onEnd?: (error: TocsinError) => void
}

export type RunningIndexer = RunningProcess & {
  readonly url: string
  /** Schema of this build. Readers use the views in `indexer`. */
  readonly schema: string
  /** Process id of Ponder. */
  readonly pid: number | undefined
}

const START_LIMIT_MS = 90_000

const refuseTakenPort = (host: string, port: number): Promise<void> =>
  tryPort(port, host).catch((cause: unknown) => {
    throw portError(cause, { host, port, what: 'the indexer', setting: 'indexer.port' })
  })

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, application_name: 'tocsin-indexer' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const endThisProcess = (error: TocsinError): void => {
  setImmediate(() => {
    throw error
  })
}

/**
 * Runs Ponder over the watchlist: derives its input, names the build's schema, and starts it as a child.
 * Resolves when it serves GraphQL; the history may take longer (see `report`).
 * @throws TocsinError `indexer.no_code`, `indexer.rpc`, `indexer.in_use`, `port.in_use`, `indexer.failed`
 */
export const startIndexer = async (options: IndexerOptions): Promise<RunningIndexer> => {
  const { config, databaseUrl, log } = options
  const root = findPackageRoot()
  const folder = join(config.dataDir, 'indexer')
  await mkdir(folder, { recursive: true })
  const input = await deriveInput(config, folder)
  const { host } = config.indexer
  if (input.contracts.length === 0) return idle(log)
  const schema = await schemaName(root, input)
  const inputFile = join(folder, `${schema}.json`)
  await writeFile(inputFile, JSON.stringify(input, undefined, 2))
  await refuseTakenPort(host, options.port)
  const hasReader = await withClient(databaseUrl, async (client) => {
    await freeBuildSchema(client, schema)
    return ensureReaderRole(client, [schema, VIEWS_SCHEMA], log)
  })

  const ponder = spawnPonder({
    root,
    folder,
    schema,
    viewsSchema: VIEWS_SCHEMA,
    host,
    port: options.port,
    databaseUrl,
    inputFile,
    endpoints: deriveEndpoints(config.chains),
    readerRole: hasReader ? READER_ROLE : undefined,
    log,
  })
  const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${options.port}`
  let stopping = false
  let failure: TocsinError | undefined
  const ended = ponder.ended.then(({ how, complaint }) => {
    failure = new TocsinError(
      'indexer.failed',
      `The indexer ended (${how})${complaint ? `: ${complaint}` : '.'}`,
      { retry: { afterMs: 1_000 } },
    )
    return failure
  })
  try {
    await untilServing(url, () => failure)
  } catch (error) {
    stopping = true
    await ponder.stop()
    throw error
  }
  const giveUp = options.onEnd ?? endThisProcess
  void ended.then((error) => {
    if (!stopping) giveUp(error)
  })

  const tidying = tidyWhenReady({ url, databaseUrl, schema, log })
  const chains = config.chains.filter(({ id }) => input.chains.some((chain) => chain.id === id))
  const progress = watchProgress({
    chains,
    log,
    read: () => readStatus({ url, schema, chains }),
    onStall: (error) => {
      if (stopping) return
      log.error(error.message)
      giveUp(error)
    },
  })
  const report = async (): Promise<ProcessReport> =>
    failure
      ? { status: 'degraded', reason: failure.message, detail: { schema } }
      : readStatus({ url, schema, chains })
  if (options.meter) registerIndexerMetrics(options.meter, report)
  return {
    url,
    schema,
    pid: ponder.pid,
    report,
    stop: async () => {
      stopping = true
      await progress.stop()
      await tidying.stop()
      await ponder.stop()
    },
  }
}

const untilServing = async (
  url: string,
  findFailure: () => TocsinError | undefined,
): Promise<void> => {
  for (const began = Date.now(); Date.now() - began < START_LIMIT_MS; await sleep(100)) {
    const failure = findFailure()
    if (failure) throw failure
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    )
    if (answer?.ok) return
  }
  throw new TocsinError('indexer.failed', 'The indexer did not serve within 90 s.')
}

/** Once the new index is complete and the views show it, older ones are dropped. */
const tidyWhenReady = (options: {
  readonly url: string
  readonly databaseUrl: string
  readonly schema: string
  readonly log: Logger
}): { readonly stop: () => Promise<void> } => {
  const { url, databaseUrl, schema, log } = options
  const stopped = new AbortController()
  const loop = createLoop(
    async (signal) => {
      if (stopped.signal.aborted) return
      const answer = await fetch(`${url}/ready`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      })
      if (!answer.ok) return
      const dropped = await withClient(databaseUrl, (client) => dropOldBuilds(client, schema))
      if (dropped.length > 0) log.info({ dropped }, 'Dropped former indexes.')
      stopped.abort()
      void loop.stop()
    },
    {
      pauseMs: 2_000,
      onError: (error) => log.debug({ error: messageOf(error) }, 'The index is not ready yet.'),
    },
  )
  return loop
}

const idle = (log: Logger): RunningIndexer => {
  log.info('The watchlist names no contract: there is nothing to index.')
  return {
    url: '',
    schema: '',
    pid: undefined,
    report: () => ({ status: 'ok', reason: '', detail: { contracts: 0 } }),
    stop: async () => undefined,
  }
}
