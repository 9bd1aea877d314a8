import { createLoop, messageOf, withTimeout } from '../base/index.ts'
import type { Config, VigilConfig } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { type Logger, type Meter, noMeter, type ProcessReport } from '../telemetry/index.ts'
import { type CanaryState, flyCanary } from './canary.ts'
import { createDeadMan } from './deadMan.ts'
import { createDirectChannel } from './directChannel.ts'
import { directMessage } from './directMessage.ts'
import { ping } from './ping.ts'
import { type Facts, findProblems, listReasons, type Problem } from './problems.ts'
import { readFacts } from './readFacts.ts'
import { createStoreAway } from './storeAway.ts'
import { tellProblems } from './tellProblems.ts'

export type Vigil = {
  readonly report: () => Promise<ProcessReport>
  readonly reload: (config: VigilInput) => Promise<void>
  readonly stop: () => Promise<void>
}

type VigilInput = Pick<Config, 'name' | 'chains' | 'channels' | 'dataDir' | 'signer' | 'vigil'>

const LOOK_MS = 2_000
/** How long Postgres may take to say how all stands (ms). */
const READ_LIMIT_MS = 8_000
/** What was down with everything else may take so long to come up before anything is held against it (ms). */
const GRACE_MS = 60_000

const DEFAULTS: VigilConfig = {
  silence: { blocks: 10, leastS: 60 },
  lagBlocks: 20,
  outbox: { oldestS: 120, pending: 2_000 },
}

const registerMetrics = (
  meter: Meter,
  read: () => { readonly canary: CanaryState | undefined; readonly problems: readonly Problem[] },
) => {
  const took = meter.gauge({
    name: 'tocsin_canary_roundtrip_seconds',
    help: 'How long the last canary took from the finding table to its channel.',
  })
  const late = meter.gauge({
    name: 'tocsin_canary_late',
    help: '1 when the canary that is under way is late or the last one was refused.',
  })
  const age = meter.gauge({
    name: 'tocsin_canary_age_seconds',
    help: 'How long ago the newest canary left.',
  })
  const problems = meter.gauge({
    name: 'tocsin_vigil_problems',
    help: 'What Tocsin holds to be wrong with itself.',
  })
  const pings = meter.counter({
    name: 'tocsin_heartbeat_pings_total',
    help: "Calls of the dead man's switch, by what came of them.",
    labels: ['outcome'],
  })
  for (const outcome of ['ok', 'failed']) pings.add({ outcome }, 0)
  meter.onScrape(() => {
    const now = read()
    problems.set({}, now.problems.length)
    for (const gauge of [took, late, age]) gauge.clear()
    const { canary } = now
    if (!canary) return
    if (canary.tookMs !== null) took.set({}, canary.tookMs / 1_000)
    age.set({}, (Date.now() - canary.sentAt.getTime()) / 1_000)
    late.set({}, now.problems.some(({ alertId }) => alertId === 'CANARY-LATE') ? 1 : 0)
  })
  return pings
}

/**
 * Watches Tocsin itself: looks every two seconds how everything stands, records what is wrong as findings that begin and
 * end, lets canaries fly, and tells the dead man's switch. While Postgres is away it pages that directly.
 */
export const startVigil = (options: {
  readonly config: VigilInput
  readonly store: Store
  readonly log: Logger
  readonly meter?: Meter
  /** Default: 60000. */
  readonly graceMs?: number
  /** Pause between two looks (ms). Default: 2000. */
  readonly lookMs?: number
}): Vigil => {
  const { store, log } = options
  let { config } = options
  const startedAt = Date.now()
  const stopping = new AbortController()
  let canary: CanaryState | undefined
  let problems: readonly Problem[] = []
  let trouble = ''
  const vigil = (): VigilConfig => config.vigil ?? DEFAULTS
  const pings = registerMetrics(options.meter ?? noMeter, () => ({ canary, problems }))

  const deadMan = createDeadMan({
    ping: async (path, body) => {
      const { heartbeat } = vigil()
      if (!heartbeat) return { ok: true }
      const { url, timeoutMs } = heartbeat
      const answer = await ping({ url, path, body, timeoutMs, signal: stopping.signal })
      pings.add({ outcome: answer.ok ? 'ok' : 'failed' })
      if (!answer.ok)
        log.warn({ reason: answer.reason }, "The dead man's switch could not be called.")
      return answer
    },
  })
  const open = (name: string | undefined) => {
    try {
      return name === undefined ? undefined : createDirectChannel(config, name)
    } catch (error) {
      log.error({ channel: name, error: messageOf(error) }, 'It cannot be called directly.')
      return undefined
    }
  }
  const createAway = () => {
    const { lastGasp } = vigil()
    const send = open(lastGasp?.channel)
    if (!lastGasp || !send) return undefined
    return createStoreAway({
      name: config.name,
      channel: lastGasp.channel,
      afterMs: lastGasp.afterS * 1_000,
      send: (message) => send(message, stopping.signal),
    })
  }
  let away = createAway()

  /** What is wrong with the usual way cannot go by it. */
  const tellDirectly = async (problem: Problem): Promise<void> => {
    const { alarm, lastGasp } = vigil()
    const name = lastGasp?.channel ?? alarm
    const send = open(name)
    if (!send || name === undefined) return
    const finding = {
      id: `${problem.alertId}/${problem.key}/${new Date().toISOString()}`,
      botId: 'tocsin',
      alertId: problem.alertId,
      alertKind: 'condition' as const,
      chainId: 0,
      blockNumber: 0,
      txHash: null,
      uniqueKey: problem.key,
      name: problem.name,
      description: problem.description,
      severity: problem.severity,
      thing: null,
      owner: null,
      protocol: null,
      metadata: {},
      addresses: [],
      status: 'final',
    }
    const now = new Date()
    const message = directMessage(finding, { channel: name, severity: 'SEV1', chains: [], now })
    const result = await send(message, stopping.signal)
    if (result.kind !== 'sent')
      log.error({ channel: name, reason: result.reason }, 'It was not told directly.')
  }

  const flyIfAny = async (): Promise<Facts['canary']> => {
    const entry = vigil().canary
    canary = entry ? await flyCanary(store.db, entry) : undefined
    if (!canary) return undefined
    const { channel, status, isLost, travellingS } = canary
    return { channel, isLost, travellingS: status === 'travelling' ? travellingS : 0 }
  }

  const look = async (): Promise<void> => {
    const settings = vigil()
    const hasSigner = config.signer !== undefined
    const facts: Facts = {
      ...(await readFacts(store.db, config)),
      canary: await flyIfAny(),
      missedPings: deadMan.state().missed,
    }
    const limits = {
      ...settings,
      canaryLateS: settings.canary?.lateAfterS ?? Number.POSITIVE_INFINITY,
      hasSigner,
    }
    const isYoung = Date.now() - startedAt < (options.graceMs ?? GRACE_MS)
    const found = findProblems(facts, limits)
    if (!isYoung) {
      problems = found
      const { alarm } = settings
      const began = await tellProblems(store.db, { problems, now: facts.now, alarm })
      for (const problem of began.filter(({ isDirect }) => isDirect)) await tellDirectly(problem)
    }
    if (settings.heartbeat)
      await deadMan.turn(facts.now, settings.heartbeat, listReasons(facts, found, hasSigner))
  }

  const loop = createLoop(
    async () => {
      const error = await withTimeout(look, READ_LIMIT_MS + 30_000, 'The vigil').then(
        () => undefined,
        (fault: unknown) => fault,
      )
      if (stopping.signal.aborted) return
      if (error && !trouble) log.error({ error: messageOf(error) }, 'The vigil cannot look.')
      trouble = error ? messageOf(error) : ''
      const reached =
        !error ||
        (await withTimeout(() => store.pool.query('select 1'), READ_LIMIT_MS, 'Postgres').then(
          () => true,
          () => false,
        ))
      await away?.look(reached, Date.now())
    },
    {
      pauseMs: options.lookMs ?? LOOK_MS,
      onError: (error) => log.error({ error: messageOf(error) }, 'The vigil met a fault.'),
    },
  )
  return {
    report: async () => {
      const { missed, lastError, lastPingAt, withheld } = deadMan.state()
      const hasSwitch = vigil().heartbeat !== undefined
      return {
        status: trouble ? 'degraded' : 'ok',
        reason: trouble,
        detail: {
          problems: problems.map(({ alertId, key, name }) => ({ alertId, key, name })),
          canary: canary
            ? {
                channel: canary.channel,
                status: canary.status,
                sentAt: canary.sentAt.toISOString(),
                tookMs: canary.tookMs,
                late: canary.lateAt !== null || canary.isLost,
              }
            : null,
          deadMan: hasSwitch
            ? {
                lastPingAt: lastPingAt?.toISOString() ?? null,
                missed,
                lastError,
                withheld: [...withheld],
              }
            : null,
        },
      }
    },
    reload: async (next) => {
      const before = JSON.stringify([vigil().lastGasp, config.channels])
      config = next
      if (JSON.stringify([vigil().lastGasp, config.channels]) !== before && !away?.isTold())
        away = createAway()
      loop.wake()
    },
    stop: async () => {
      stopping.abort()
      await loop.stop()
    },
  }
}
