import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { startNotifier } from '../../core/alerts/index.ts'
import { findingOf, record } from '../../core/alerts/testSupport.ts'
import type { Config } from '../../core/config/types.ts'
import { startIntake } from '../../core/intake/index.ts'
import { createAnswerHandler } from '../../core/oncall/answers.ts'
import { createButtons } from '../../core/oncall/buttons.ts'
import { escalate } from '../../core/oncall/escalate.ts'
import { ANSWER_KINDS } from '../../core/oncall/receivers/index.ts'
import type { PagingConfig } from '../../core/oncall/takeStep.ts'
import { onCallConfig } from '../../core/oncall/testSupport.ts'
import { loadPeopleSecret } from '../../core/response/index.ts'
import { connectDatabase, openIntakeRole, tables } from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import type { VendorCall } from './channels/answers.ts'
import { startVendor, type Vendor } from './channels/vendorServer.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

type IncidentRow = typeof tables.incident.$inferSelect

export type AnswerScene = {
  readonly store: TestDatabase
  /** Where each vendor's stand-in listens. */
  readonly urls: Readonly<Record<string, string>>
  /** Data folder of the notifier, with a folder `actions` that is empty at first. */
  readonly folder: string
  /** The intake's own: the secret of `people` is not there. */
  readonly intakeFolder: string
  readonly config: () => Config
  readonly change: (changes: object) => void
  /** A vendor calls the intake. */
  readonly call: (receiver: string, call: VendorCall) => Promise<Response>
  /** A finding, critical if nothing else is said, and the incident that the notifier made of it. */
  readonly happen: (facts?: Parameters<typeof findingOf>[0]) => Promise<IncidentRow>
  /** The only incident there is. */
  readonly incident: () => Promise<IncidentRow>
  /** A turn of the pager. */
  readonly turn: (now: Date) => Promise<unknown>
  /** Nothing has happened. */
  readonly reset: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Waits until what is asked for is there. */
export const until = <T>(check: () => Promise<T> | T): Promise<T> =>
  vi.waitFor(check, { timeout: 20_000, interval: 25 })

/**
 * From a finding to an answer, whole: a notifier and a pager, the vendors' stand-ins, and an intake with its own data
 * folder and its own role in the database.
 */
export const startAnswerScene = async (options: {
  readonly vendors: Readonly<Record<string, Vendor>>
  /** `onCall.people`. */
  readonly people: Readonly<Record<string, unknown>>
  /** The rest of the configuration, once the stand-ins are there. */
  readonly configure: (urls: Readonly<Record<string, string>>) => {
    readonly channels: readonly object[]
    readonly routes: readonly object[]
    readonly receivers: readonly object[]
    readonly more?: object
  }
  /** Where the intake is reached from outside, as Twilio signs it. */
  readonly url: string
  readonly ringAgainMs?: number
}): Promise<AnswerScene> => {
  const ends: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const store = await createTestDatabase()
    ends.push(() => store.drop())
    const urls: Record<string, string> = {}
    for (const [name, vendor] of Object.entries(options.vendors)) {
      const server = await startVendor(vendor, { kind: 'accept' })
      ends.push(() => server.stop())
      urls[name] = server.url
    }
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-answers-'))
    ends.push(() => rm(folder, { recursive: true, force: true }))
    const intakeFolder = join(folder, 'intake')
    const actionsDir = join(folder, 'actions')
    await mkdir(intakeFolder)
    await mkdir(actionsDir)
    const { channels, routes, receivers, more } = options.configure(urls)
    let config = {
      name: 'test',
      env: undefined,
      chains: [],
      watch: [],
      dataDir: folder,
      actionsDir,
      people: { secret: '', haltToken: '', hasSecret: false, channels: {}, url: undefined },
      channels,
      routes,
      onCall: onCallConfig({ people: options.people }),
      intake: {
        host: '127.0.0.1',
        port: 0,
        url: options.url,
        receivers: receivers.map((one) => ({ enabled: true, perMinute: 6_000, ...one })),
      },
      ...more,
    } as unknown as Config
    const log = createLogger({ service: 'test', level: 'silent' })
    const key = await loadPeopleSecret(config)
    const notifier = await startNotifier({
      config,
      store,
      log,
      backoffBaseMs: 25,
      prepare: createButtons({ db: store.db, log, config: () => config, key }),
    })
    ends.push(() => notifier.stop())
    const url = await openIntakeRole(store.pool, store.url)
    const narrow = await connectDatabase({ url, name: 'intake' })
    ends.push(() => narrow.stop())
    const intakeConfig = (): Config => ({ ...config, dataDir: intakeFolder })
    const intake = await startIntake({
      config: intakeConfig(),
      store: narrow,
      log,
      kinds: ANSWER_KINDS,
      onAcknowledgement: createAnswerHandler({
        db: narrow.db,
        log,
        config: intakeConfig,
        urls,
        ringAgainMs: options.ringAgainMs ?? 60_000,
      }),
    })
    ends.push(() => intake.stop())
    const incident = async (): Promise<IncidentRow> => {
      const [row] = await store.db.select().from(tables.incident)
      if (!row) throw new Error('there is no incident')
      return row
    }
    return {
      store,
      urls,
      folder,
      intakeFolder,
      config: () => config,
      change: (changes) => {
        config = { ...config, ...changes }
      },
      call: (receiver, { body, headers }) =>
        fetch(`${intake.url.replace(/\/$/, '')}/in/${receiver}`, {
          method: 'POST',
          body,
          headers,
        }),
      happen: async (facts = {}) => {
        await record(store, findingOf({ severity: 'Critical', ...facts }))
        return until(async () => {
          const row = await incident()
          if (row.status !== 'open') throw new Error('the incident is not open')
          return row
        })
      },
      incident,
      turn: (now) => escalate({ db: store.db, config: config as unknown as PagingConfig, now }),
      reset: async () => {
        // The notifier is at work meanwhile: one of the two may have to step back.
        await until(() =>
          store.pool.query(
            `truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox,
           tocsin.incident_event, tocsin.incident_key, tocsin.oncall_escalation, tocsin.oncall_page, tocsin.answer_button,
           tocsin.channel_thread, tocsin.execution, tocsin.execution_approval, tocsin.channel_slot`,
          ),
        )
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
