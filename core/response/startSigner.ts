import {
  createHeapTidy,
  createLoop,
  type Loop,
  messageOf,
  TocsinError,
  toJson,
} from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { createListener, type Store } from '../store/index.ts'
import {
  type Logger,
  type Meter,
  noMeter,
  type ProcessReport,
  type RunningProcess,
} from '../telemetry/index.ts'
import { createContractCheck } from './contractSignature.ts'
import { createLanes, startLane } from './createLane.ts'
import { startDesks } from './desk/startDesks.ts'
import { createKeyLock } from './keyLock.ts'
import { openKey } from './keys/openKey.ts'
import { openLedger } from './ledger.ts'
import { loadActions } from './loadActions.ts'
import { formatFault } from './loadPolicies.ts'
import { type PeopleParts, startPeople } from './people/startPeople.ts'
import { createPolicyCache, type PolicyCache } from './policyCache.ts'
import { type Signers, signaturesRequired } from './policySignature.ts'
import { type ReadinessMonitor, startReadinessMonitor } from './readinessMonitor.ts'
import { readSigns } from './readSigns.ts'
import { reportPolicyFaults } from './reportPolicyFaults.ts'
import type { Sender } from './sender.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { warmUpSigning } from './signerKey.ts'
import { createSignerMetrics } from './signerMetrics.ts'
import type { SignerRpc } from './signerRpc.ts'
import { endProposals, refuseUnserved } from './tidyExecutions.ts'
import type { ActionDefinition, ExecutionMode } from './types.ts'

const TIDY_MS = 1_000
/** What is tidied after a change waits so long: it takes turns with Postgres that a decision needs more (ms). */
const TIDY_AFTER_MS = 100

export type StartSignerOptions = {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Default: the action types that come with Tocsin. */
  readonly actions?: readonly ActionDefinition[]
  /** Default: the local sender over the signer's own endpoints. */
  readonly createSender?: (rpc: SignerRpc) => Sender
}

const report = (
  context: SignerContext,
  lanes: readonly SignerLane[],
  policies: PolicyCache,
  monitor: ReadinessMonitor,
  { audit }: PeopleParts,
): ProcessReport => {
  const state = monitor.state()
  const readiness = state?.readiness ?? []
  const faults = policies.faults().map(({ file, line, message }) => `${file}:${line} ${message}`)
  const endpoints = lanes.flatMap(({ chainName, rpc }) =>
    rpc.health().map((health) => ({ chain: chainName, ...health })),
  )
  const reasons = [
    ...(context.isHalted() ? ['the kill switch is on'] : []),
    ...(context.isHolder()
      ? []
      : ['stands by: another signer holds the key, or the database is away']),
    ...(audit.trouble() ? [audit.trouble()] : []),
    ...faults,
    ...readiness.flatMap(({ policy, probes }) =>
      probes.filter(({ ok }) => !ok).map(({ message }) => `${policy}: ${message}`),
    ),
    ...endpoints
      .filter(({ ok }) => !ok)
      .map(({ url, lastError }) => `${url}: ${lastError ?? 'no answer'}`),
  ]
  const status = reasons.length > 0 ? 'degraded' : 'ok'
  return {
    status: state ? status : 'starting',
    reason: reasons.slice(0, 5).join('; ').slice(0, 1_000),
    detail: toJson({
      address: context.key.address,
      mode: context.mode,
      balances: state?.balances ?? {},
      readiness,
      faults,
      endpoints,
      audit: audit.head() ?? null,
      policies: policies
        .list()
        .map(({ id, hash, mode, expiresAt }) => ({ id, hash, mode, expiresAt })),
    }),
  }
}

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
  const meter = options.meter ?? noMeter
  const ways = new Map<string, SignerRpc>()
  const signers: Signers = {
    // A configuration made by hand may have none.
    approvers: settings.approvers ?? [],
    checkContract: createContractCheck((chain) => ways.get(chain)),
  }
  const policies = createPolicyCache(config.actionsDir, actions, signers)
  const metrics = createSignerMetrics(meter, store.db, () =>
    readSigns({ context, lanes, policies, monitor }),
  )
  const key = await openKey(settings)
  await warmUpSigning()
  const lanes = createLanes(config, options.createSender, metrics.rpc, key)
  for (const { chainName, rpc } of lanes) ways.set(chainName, rpc)
  await policies.refresh()
  const ledger = await openLedger(config.dataDir)
  const stopping = new AbortController()
  const onError = (what: string) => (error: unknown) =>
    log.error({ error: messageOf(error) }, `The signer's ${what} failed.`)
  let mode: ExecutionMode = settings.mode
  let loops: readonly Loop[] = []
  const wakeAll = (): void => {
    for (const loop of loops) loop.wake()
  }
  const lock = createKeyLock({
    url: store.url,
    name: key.address,
    onChange: wakeAll,
    onError: onError('lock'),
  })
  const people = await startPeople({ config, db: store.db, log, meter, onHalt: wakeAll })
  const context: SignerContext = {
    db: store.db,
    log,
    key,
    metrics,
    ledger,
    get mode() {
      return mode
    },
    getPolicy: policies.get,
    getPolicyVersion: policies.getVersion,
    getAction: (id) => actions.find((action) => action.id === id),
    signaturesRequired: signaturesRequired(settings),
    isHalted: people.isHalted,
    readApprovals: people.readApprovals,
    readOrder: people.readOrder,
    isHolder: lock.isHeld,
    signal: stopping.signal,
  }
  const desks = startDesks(context, config.actionsDir, {
    signers,
    onChange: () => monitor.wake(),
  })
  const monitor = startReadinessMonitor(
    context,
    lanes,
    policies.list,
    desks.list,
    settings.readiness,
  )
  const refresh = async (): Promise<void> => {
    if (await policies.refresh()) monitor.wake()
  }
  const heap = createHeapTidy()
  loops = lanes.map((lane) => startLane(context, lane, { refreshPolicies: refresh, heap }))
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_execution', 'tocsin_finding', 'tocsin_halt'],
    onNotify: (topic) => {
      if (topic === 'tocsin_halt') people.wake()
      else if (topic === 'tocsin_finding') {
        if (desks.list().length > 0) desks.wake()
      } else {
        wakeAll()
        tidySoon()
      }
    },
    onError: onError('listener'),
  })
  let tidying: NodeJS.Timeout | undefined
  const tidySoon = (): void => {
    tidying ??= setTimeout(() => {
      tidying = undefined
      tidy.wake()
    }, TIDY_AFTER_MS).unref()
  }
  const served = lanes.map(({ chainId }) => chainId)
  let toldFaults = ''
  const tidy = createLoop(
    async () => {
      const faults = [...policies.faults(), ...desks.faults()]
      const now = faults.map(formatFault).join('\n')
      if (now !== toldFaults) await reportPolicyFaults(store.db, faults)
      toldFaults = now
      if (await policies.recheck()) monitor.wake()
      if (!lock.isHeld()) return
      await people.settleHalt(policies.list())
      await refuseUnserved(context, served)
      if (await people.settle(context)) wakeAll()
      await endProposals(context)
      await people.audit.turn()
    },
    { pauseMs: TIDY_MS, onError: onError('tidying') },
  )
  log.info({ address: key.address, mode, policies: policies.list().length }, 'The signer is up.')
  return {
    report: () => report(context, lanes, policies, monitor, people),
    reload: async (next) => {
      mode = next.signer?.mode ?? 'observe'
    },
    stop: async () => {
      stopping.abort()
      clearTimeout(tidying)
      heap.stop()
      const parts = [listener, tidy, monitor, people, desks, ...loops]
      await Promise.all(parts.map((part) => part.stop()))
      await lock.stop()
      await ledger.close()
    },
  }
}
