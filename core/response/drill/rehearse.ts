import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asc, eq } from 'drizzle-orm'
import { generatePrivateKey } from 'viem/accounts'
import { type Address, type Hex, sleep, stableHash, TocsinError } from '../../base/index.ts'
import type { Answer, Config } from '../../config/types.ts'
import { type Store, tables } from '../../store/index.ts'
import type { Logger, RunningProcess } from '../../telemetry/index.ts'
import type { ExecutionRow } from '../executionStore.ts'
import { encodeKeystore } from '../keystore.ts'
import { loadActions } from '../loadActions.ts'
import { loadPolicies } from '../loadPolicies.ts'
import { requestExecutions } from '../requestExecutions.ts'
import { startSigner } from '../startSigner.ts'
import type { ActionDefinition, LoadedPolicy, ProbeResult } from '../types.ts'
import { writeScratchPolicy } from './scratchPolicy.ts'
import { createAsk, startForkDoor } from './startDoor.ts'
import type { DrillReport, DrillStep } from './types.ts'

export type RehearseOptions = {
  readonly config: Config
  readonly policy: LoadedPolicy
  /** The account that would act: the signer's, or its relayer's. */
  readonly actor: Address
  /** JSON-RPC of an anvil that forks the policy's chain, mines by itself, and belongs to the rehearsal alone. */
  readonly forkUrl: string
  /** A database that belongs to the rehearsal alone. */
  readonly store: Store
  /** An empty folder that belongs to the rehearsal alone. */
  readonly folder: string
  readonly log: Logger
  /** A transaction of the chain that the finding names, replayed by the simulation. */
  readonly txHash?: Hex | undefined
  readonly actions?: readonly ActionDefinition[] | undefined
  /** Steps that were taken before, e.g. starting the fork. */
  readonly before?: readonly DrillStep[]
  readonly onStep?: ((step: DrillStep) => void) | undefined
}

const START_MS = 30_000
const SLACK_MS = 30_000
const POLL_MS = 20

type Block = { readonly number: Hex; readonly hash: Hex; readonly timestamp: Hex }

const createRpc = (url: string) => {
  const ask = createAsk(url)
  return async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const answer = JSON.parse(await ask({ jsonrpc: '2.0', id: 1, method, params })) as {
      result?: T
      error?: { message: string }
    }
    if (answer.error) throw new TocsinError('drill.fork', `${method}: ${answer.error.message}`)
    return answer.result as T
  }
}

/** A configuration for a signer that knows the fork, a key made for the day, and nothing else. */
const makeConfig = async ({
  config,
  policy,
  folder,
}: RehearseOptions): Promise<{
  readonly config: (url: string) => Config
  readonly standIn: Address
}> => {
  const { signer } = config
  const chain = config.chains.find(({ id }) => id === policy.chain)
  if (!signer || !chain)
    throw new TocsinError(
      signer ? 'chain.unknown' : 'signer.not_configured',
      signer
        ? `The watchlist has no chain ${policy.chain}.`
        : 'The watchlist has no `signer` part.',
      { exitCode: 2 },
    )
  const password = randomBytes(16).toString('hex')
  const keystore = join(folder, 'stand-in.json')
  const sealed = await encodeKeystore(generatePrivateKey(), password, { n: 1024, r: 8, p: 1 })
  await writeFile(keystore, sealed.text, { mode: 0o600 })
  return {
    standIn: sealed.address,
    config: (url) => ({
      ...config,
      dataDir: folder,
      actionsDir: join(folder, 'actions'),
      database: undefined,
      people: undefined,
      channels: [],
      signer: {
        ...signer,
        rpc: { [chain.name]: [url] },
        privateRpc: {},
        tenderlyRpc: {},
        tenderly: undefined,
        senders: [],
        key: undefined,
        keystore,
        password,
        mode: 'auto',
        approvers: [],
        approvalsRequired: undefined,
        readiness: { everyS: 1, runs: 3, expiryDays: 14, ...signer.readiness },
      },
    }),
  }
}

/** Findings as the policy's bots would make them: as many bots as its quorum asks for. */
const recordFindings = async (
  { store, policy, txHash }: RehearseOptions,
  scratch: readonly LoadedPolicy[],
  block: Block,
): Promise<string | undefined> => {
  const bots = new Map(policy.triggers.map((trigger) => [trigger.bot, trigger]))
  const chosen = [...bots.values()].slice(0, policy.quorum.bots)
  const answers: readonly Answer[] = [
    { when: { bot: [...bots.keys()], minSeverity: 'Info' }, action: policy.id },
  ]
  const rows = chosen.map((trigger) => ({
    id: stableHash('drill', randomBytes(8).toString('hex')),
    botId: trigger.bot,
    botVersion: '0.0.0',
    alertId: trigger.alertIds?.[0] ?? 'DRILL',
    alertKind: 'event' as const,
    chainId: policy.chain,
    blockNumber: Number(block.number),
    blockHash: block.hash,
    blockTimestampS: Number(block.timestamp),
    txHash: txHash ?? null,
    uniqueKey: 'drill',
    name: 'Drill',
    description: 'A finding of a rehearsal.',
    severity: 'Critical',
    type: 'Exploit',
    thing: trigger.things?.[0] ?? null,
    addresses: [policy.target],
    status: 'provisional' as const,
  }))
  return store.db.transaction(async (tx) => {
    const findings = await tx.insert(tables.finding).values(rows).returning()
    const ids = await requestExecutions(tx, findings, { answers, policies: scratch })
    return ids[0]
  })
}

const isOver = (row: ExecutionRow): boolean =>
  row.confirmedAt !== null ||
  ['refused', 'failed', 'not_needed', 'observed', 'proposed'].includes(row.status)

const follow = async (store: Store, id: string, limitMs: number): Promise<ExecutionRow> => {
  const deadline = Date.now() + limitMs
  for (;;) {
    const [row] = await store.db.select().from(tables.execution).where(eq(tables.execution.id, id))
    if (!row) throw new TocsinError('drill.lost', 'The execution of the rehearsal is gone.')
    if (isOver(row) || Date.now() > deadline) return row
    await sleep(POLL_MS)
  }
}

const TEXT: Readonly<Record<string, string>> = {
  sending: 'decided, simulated and signed',
  sent: 'broadcast',
  replaced: 'replaced at a higher fee',
  succeeded: 'the effect is read on chain',
  confirmed: 'the effect is out of reach of a reorg',
}

const readProbes = async (signer: RunningProcess, id: string): Promise<readonly ProbeResult[]> => {
  const deadline = Date.now() + START_MS
  for (;;) {
    const { detail } = await signer.report()
    const readiness =
      typeof detail === 'object' && detail !== null && !Array.isArray(detail)
        ? detail['readiness']
        : undefined
    const list = (Array.isArray(readiness) ? readiness : []) as unknown as readonly {
      policy: string
      probes: readonly ProbeResult[]
    }[]
    const own = list.find(({ policy }) => policy === id)
    if (own || Date.now() > deadline) return own?.probes ?? []
    await sleep(POLL_MS)
  }
}

const outcomeOf = (row: ExecutionRow | undefined): string => {
  if (!row) return 'No execution was asked for: the policy would not have answered the finding.'
  if (row.confirmedAt) return 'The effect stands.'
  if (row.status === 'not_needed') return `There was nothing to do. ${row.reason ?? ''}`.trim()
  if (row.status === 'succeeded') return 'The effect stands; it was not confirmed in time.'
  return `It ended as ${row.status}: ${row.reason ?? 'no reason given'}`
}

/**
 * Plays a policy's whole way on a fork: a finding, the intent, the signer's own checks, simulation, signing, sending,
 * mining, the effect and its confirmation. Nothing touches the real chain, and the real key is not needed.
 * @throws TocsinError `signer.not_configured`, `chain.unknown`, `drill.fork`
 */
export const rehearse = async (options: RehearseOptions): Promise<DrillReport> => {
  const { policy, actor, forkUrl, store, folder, log } = options
  const steps: DrillStep[] = [...(options.before ?? [])]
  const note = (name: string, fromMs: number, toMs: number, detail: string): void => {
    const step = { name, tookMs: Math.max(0, Math.round(toMs - fromMs)), detail }
    steps.push(step)
    options.onStep?.(step)
  }
  const rpc = createRpc(forkUrl)
  const forked = Number(await rpc<Hex>('eth_blockNumber'))
  const { config, standIn } = await makeConfig(options)
  const scratch = await writeScratchPolicy(policy, options.txHash !== undefined)
  await mkdir(join(folder, 'actions'), { recursive: true })
  await writeFile(join(folder, 'actions', `${policy.id}.yaml`), scratch.text)
  const actions = options.actions ?? (await loadActions())
  const door = await startForkDoor(forkUrl, { standIn, actor })
  let signer: RunningProcess | undefined
  try {
    let at = Date.now()
    signer = await startSigner({ config: config(door.url), store, log, actions })
    note('signer', at, Date.now(), 'the signer is up, with a key made for the day')
    at = Date.now()
    const probes = await readProbes(signer, policy.id)
    const bad = probes.filter(({ ok }) => !ok).map(({ name }) => name)
    note(
      'readiness',
      at,
      Date.now(),
      bad.length > 0 ? `not well: ${bad.join(', ')}` : `${probes.length} probes pass`,
    )
    await rpc('evm_mine')
    const block = await rpc<Block>('eth_getBlockByNumber', ['latest', false])
    at = Date.now()
    const loaded = await loadPolicies(join(folder, 'actions'), actions)
    const id = await recordFindings(options, loaded, block)
    const beganMs = Date.now()
    note('finding', at, beganMs, 'the finding and the intent are committed')
    const blockMs = config(door.url).chains.find(({ id: each }) => each === policy.chain)
    const limitMs =
      (policy.postcondition.deadlineS + 1) * 1_000 +
      (policy.postcondition.confirmations + 2) * (blockMs?.blockTimeMs ?? 12_000) +
      SLACK_MS
    const row = id === undefined ? undefined : await follow(store, id, limitMs)
    const entries =
      id === undefined
        ? []
        : await store.db
            .select()
            .from(tables.executionLog)
            .where(eq(tables.executionLog.executionId, id))
            .orderBy(asc(tables.executionLog.seq))
    let last = beganMs
    for (const { event, at: when } of entries) {
      note(event, last, when.getTime(), TEXT[event] ?? row?.reason ?? event)
      last = when.getTime()
    }
    const since = (event: string): number | null => {
      const entry = entries.find((each) => each.event === event)
      return entry ? Math.max(0, entry.at.getTime() - beganMs) : null
    }
    return {
      policy: policy.id,
      chain: policy.chain,
      kind: 'fork',
      block: forked,
      ok: row?.status === 'succeeded',
      outcome: outcomeOf(row),
      steps,
      toBroadcastMs: since('sent'),
      toEffectMs: since('succeeded'),
      probes,
      notes: scratch.notes,
    }
  } finally {
    await signer?.stop()
    await door.stop()
  }
}
