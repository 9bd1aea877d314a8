import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { and, eq, isNull, notInArray } from 'drizzle-orm'
import { createLoop, messageOf, TocsinError, toJson } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createListener, type Store, tables } from '../store/index.ts'
import type { Logger, ProcessReport, RunningProcess } from '../telemetry/index.ts'
import { moveExecution } from './executionStore.ts'
import { createKeyLock } from './keyLock.ts'
import { loadActions } from './loadActions.ts'
import { createLocalSender } from './localSender.ts'
import { createPolicyCache } from './policyCache.ts'
import { probeReadiness, type Readiness } from './readiness.ts'
import { readBalance } from './readTarget.ts'
import { createLaneMemory, runLane } from './runLane.ts'
import type { Sender } from './sender.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { openSignerKey } from './signerKey.ts'
import { createSignerRpc, type SignerRpc } from './signerRpc.ts'
import type { ActionDefinition } from './types.ts'

const IDLE_MS = 1_000
const WARM_MS = 3_000
const READINESS_MS = 30_000

export type StartSignerOptions = {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  /** Default: the action types that come with Tocsin. */
  readonly actions?: readonly ActionDefinition[]
  /** Default: the local sender over the signer's own endpoints. */
  readonly createSender?: (rpc: SignerRpc) => Sender
}

/** The kill switch of a data folder: while this file exists the signer sends nothing. */
export const killSwitchFile = (dataDir: string): string => join(dataDir, 'signer.stop')

/**
 * Starts the signer: the only process with a key. It takes intents from the database, re-validates each with its own
 * read of the files and its own endpoints, signs, sends, and proves the effect on chain.
 * @throws TocsinError `signer.not_configured`, `signer.chain_unknown`, `keystore.*`
 */
export const startSigner = async (options: StartSignerOptions): Promise<RunningProcess> => {
  const { config, store, log } = options
  const settings = config.signer
  if (!settings)
    throw new TocsinError('signer.not_configured', 'The watchlist has no `signer` part.', {
      hints: ['Add `signer` with rpc, keystore and password, or do not run the signer.'],
      exitCode: 2,
    })
  const actions = options.actions ?? (await loadActions())
  const policies = createPolicyCache(config.actionsDir, actions)
  const key = await openSignerKey(settings.keystore, settings.password)
  const lanes = Object.entries(settings.rpc).map(([chainName, urls]): SignerLane & { tickMs: number } => {
    const chain = config.chains.find(({ name }) => name === chainName)
    if (!chain)
      throw new TocsinError('signer.chain_unknown', `\`signer.rpc\` names the chain "${chainName}", which the watchlist does not have.`, { exitCode: 2 })
    const rpc = createSignerRpc({ chainId: chain.id, urls })
    const sender = options.createSender?.(rpc) ?? createLocalSender(rpc)
    return { chainId: chain.id, chainName, rpc, sender, tickMs: Math.max(20, Math.min(250, chain.blockTimeMs / 4)) }
  })
  await policies.refresh()
  const stopping = new AbortController()
  const onError = (what: string) => (error: unknown) => log.error({ error: messageOf(error) }, `The signer's ${what} failed.`)
  const lock = createKeyLock({ url: store.url, name: key.address, onChange: () => wakeAll(), onError: onError('lock') })
  const context: SignerContext = {
    db: store.db,
    log,
    key,
    mode: settings.mode,
    getPolicy: policies.get,
    getAction: (id) => actions.find((action) => action.id === id),
    isHalted: () => existsSync(killSwitchFile(config.dataDir)),
    isHolder: lock.isHeld,
    signal: stopping.signal,
  }

  const loops = lanes.map((lane) => {
    const memory = createLaneMemory()
    let isBusy = true
    let isWoken = true
    let lastRun = 0
    let lastWarm = 0
    const turn = async (): Promise<void> => {
      const now = Date.now()
      if (now - lastWarm > WARM_MS) {
        lastWarm = now
        // Keeps connections open and the health of every endpoint known; the answer itself is not needed.
        void Promise.allSettled(lane.rpc.askEach('eth_blockNumber', []))
      }
      if (!isBusy && !isWoken && now - lastRun < IDLE_MS) return
      isWoken = false
      lastRun = now
      await policies.refresh()
      isBusy = await runLane(context, lane, memory)
    }
    const loop = createLoop(turn, { pauseMs: lane.tickMs, onError: onError(`turn on ${lane.chainName}`) })
    return {
      stop: loop.stop,
      wake: () => {
        isWoken = true
        loop.wake()
      },
    }
  })
  const wakeAll = (): void => {
    for (const loop of loops) loop.wake()
  }
  const listener = createListener({ url: store.url, topics: ['tocsin_execution'], onNotify: wakeAll, onError: onError('listener') })

  const tidy = createLoop(
    async () => {
      if (!lock.isHeld()) return
      await refuseUnserved(context, lanes.map(({ chainId }) => chainId))
      await endProposals(context)
    },
    { pauseMs: IDLE_MS, onError: onError('tidying') },
  )
  let hasProbed = false
  let readiness: readonly Readiness[] = []
  let balances: Readonly<Record<string, string>> = {}
  const probing = createLoop(
    async () => {
      await policies.refresh()
      readiness = await Promise.all(policies.list().map((policy) => probePolicy(lanes, context, policy.id)))
      const read = lanes.map(async ({ chainName, rpc }) => [chainName, String(await readBalance(rpc, key.address).catch(() => 'unknown'))] as const)
      balances = Object.fromEntries(await Promise.all(read))
      hasProbed = true
    },
    { pauseMs: READINESS_MS, onError: onError('readiness probe') },
  )

  const report = (): ProcessReport => {
    const unready = readiness.flatMap(({ policy, probes }) => probes.filter(({ ok }) => !ok).map(({ message }) => `${policy}: ${message}`))
    const faults = policies.faults().map(({ file, line, message }) => `${file}:${line} ${message}`)
    const endpoints = lanes.flatMap(({ chainName, rpc }) => rpc.health().map((health) => ({ chain: chainName, ...health })))
    const dead = endpoints.filter(({ ok }) => !ok).map(({ url, lastError }) => `${url}: ${lastError ?? 'no answer'}`)
    const reasons = [
      ...(context.isHalted() ? ['the kill switch is on'] : []),
      ...(lock.isHeld() ? [] : ['stands by: another signer holds the key, or the database is away']),
      ...faults,
      ...unready,
      ...dead,
    ]
    return {
      status: !hasProbed ? 'starting' : reasons.length > 0 ? 'degraded' : 'ok',
      reason: reasons.slice(0, 5).join('; ').slice(0, 1_000),
      detail: toJson({ address: key.address, mode: settings.mode, balances, readiness, faults, endpoints, policies: policies.list().map(({ id, hash, mode, expiresAt }) => ({ id, hash, mode, expiresAt })) }),
    }
  }
  log.info({ address: key.address, mode: settings.mode, policies: policies.list().length }, 'The signer is up.')
  return {
    report,
    stop: async () => {
      stopping.abort()
      await Promise.all([listener.stop(), tidy.stop(), probing.stop(), ...loops.map((loop) => loop.stop())])
      await lock.stop()
    },
  }
}

const probePolicy = async (lanes: readonly SignerLane[], context: SignerContext, id: string): Promise<Readiness> => {
  const policy = context.getPolicy(id)
  const action = policy && context.getAction(policy.action)
  const lane = lanes.find(({ chainId }) => chainId === policy?.chain)
  if (!policy || !action || !lane)
    return { policy: id, ready: false, probes: [{ name: 'chain', ok: false, message: `The signer has no endpoint for chain ${policy?.chain ?? '?'}.` }] }
  return probeReadiness(lane.rpc, action, policy, context.key.address)
}

/** Intents for chains that this signer does not serve are refused, not left lying. */
const refuseUnserved = async (context: SignerContext, served: readonly number[]): Promise<void> => {
  const rows = await context.db
    .select()
    .from(tables.execution)
    .where(and(eq(tables.execution.status, 'requested'), notInArray(tables.execution.chainId, [...served])))
    .limit(20)
  for (const row of rows) {
    const reason = `The signer has no endpoint for chain ${row.chainId}.`
    await moveExecution(context.db, row, { from: ['requested'], patch: { status: 'refused', reasonCode: 'chain_unserved', reason }, event: 'refused', detail: { code: 'chain_unserved', reason } })
  }
}

/** Proposals that nobody approved in time, or whose finding was retracted, end. */
const endProposals = async (context: SignerContext): Promise<void> => {
  const rows = await context.db
    .select({ execution: tables.execution, finding: tables.finding.status })
    .from(tables.execution)
    .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
    .where(and(eq(tables.execution.status, 'proposed'), isNull(tables.execution.approvedBy)))
    .limit(50)
  for (const { execution, finding } of rows) {
    const policy = context.getPolicy(execution.actionId)
    const waitedS = (Date.now() - (execution.proposedAt ?? execution.requestedAt).getTime()) / 1000
    const isLate = !policy || waitedS > policy.approval.timeoutS
    if (!isLate && finding !== 'retracted') continue
    const code = isLate ? 'approval_timeout' : 'finding_retracted'
    const reason = isLate ? 'Nobody approved it in time.' : 'The finding was retracted: its block is orphaned.'
    await moveExecution(context.db, execution, { from: ['proposed'], patch: { status: 'refused', reasonCode: code, reason }, event: 'refused', detail: { code, reason } })
  }
}
