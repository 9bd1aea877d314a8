import { createLoop, messageOf, TocsinError } from '../base/index.ts'
import type { Config, IntakeConfig } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { type Logger, type Meter, noMeter, type RunningProcess } from '../telemetry/index.ts'
import { checkSecrets } from './checkSecrets.ts'
import { type AnyReceiverKind, createDesk } from './createDesk.ts'
import { createIntakeMetrics } from './intakeMetrics.ts'
import { listKinds } from './kinds/listKinds.ts'
import { serveDesk } from './serveDesk.ts'
import { tidyDeliveries } from './storeDelivery.ts'
import type { HandleAcknowledgement } from './types.ts'

export type RunningIntake = RunningProcess & { readonly url: string }

const TIDY_MS = 60_000

const intakeOf = ({ intake }: Config): IntakeConfig => {
  if (intake) return intake
  throw new TocsinError('intake.none', 'The watchlist has no `intake`, so nothing can come in.', {
    exitCode: 2,
    hints: ['Name its receivers: docs/inbound.md says how.'],
  })
}

/**
 * Takes deliveries of other watchers and of the vendors of pages, and stores what is genuine.
 * @throws TocsinError `intake.none`, `intake.weak_secret`, `port.in_use`, `port.unusable`
 */
export const startIntake = async (options: {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  readonly meter?: Meter
  /** Kinds of other rooms, beside those of this one. */
  readonly kinds?: readonly AnyReceiverKind[]
  /** Default: acknowledgements are refused as a fault of ours. */
  readonly onAcknowledgement?: HandleAcknowledgement
}): Promise<RunningIntake> => {
  const { store, log } = options
  let { config } = options
  const intake = intakeOf(config)
  checkSecrets(intake)
  const desk = createDesk({
    config: () => config,
    kinds: [...listKinds(() => config), ...(options.kinds ?? [])],
    db: store.db,
    log,
    metrics: createIntakeMetrics(options.meter ?? noMeter),
    onAcknowledgement:
      options.onAcknowledgement ??
      (async () => {
        throw new TocsinError('intake.no_handler', 'Nobody minds acknowledgements here.')
      }),
  })
  let trouble = ''
  const tidying = createLoop(
    async () => {
      await tidyDeliveries(store.db, Date.now())
      trouble = ''
    },
    {
      pauseMs: TIDY_MS,
      onError: (error) => {
        trouble = `Old marks could not be deleted: ${messageOf(error)}`
        log.warn({ error: messageOf(error) }, 'Old marks could not be deleted yet.')
      },
    },
  )
  const served = await serveDesk({ desk, host: intake.host, port: intake.port, log }).catch(
    async (error: unknown) => {
      await tidying.stop()
      throw error
    },
  )
  log.info(
    { address: served.url, receivers: intake.receivers.map(({ name }) => name) },
    'The intake is up.',
  )
  return {
    url: served.url,
    report: () => ({
      status: trouble ? 'degraded' : 'ok',
      reason: trouble,
      detail: { address: served.url, receivers: toDetail(desk.tally()) },
    }),
    reload: async (next) => {
      config = next
    },
    stop: async () => {
      await served.stop()
      await tidying.stop()
    },
  }
}

const toDetail = (
  tally: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Record<string, Record<string, number>> =>
  Object.fromEntries(Object.entries(tally).map(([name, counts]) => [name, { ...counts }]))
