import { eq } from 'drizzle-orm'
import { type Address, type Hex, stableHash } from '../../core/base/index.ts'
import type { ClaimResult } from '../../core/response/claimExecution.ts'
import { claimExecution } from '../../core/response/claimExecution.ts'
import { decideExecution } from '../../core/response/decide.ts'
import { createMemoryLedger, type Ledger } from '../../core/response/ledger.ts'
import type { Approvals } from '../../core/response/people/readApprovals.ts'
import type { SignerContext, SignerLane } from '../../core/response/signerContext.ts'
import { createSignerKey } from '../../core/response/signerKey.ts'
import type { RpcAnswer, SignerRpc } from '../../core/response/signerRpc.ts'
import type { ActionDefinition, LoadedPolicy } from '../../core/response/types.ts'
import { tables } from '../../core/store/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import type { TestDatabase } from './database.ts'

export type ExecutionRow = typeof tables.execution.$inferSelect
export type FindingRow = typeof tables.finding.$inferSelect

export const CHAIN = 31_337
const CODE: Hex = '0x6001'
const BLOCK_S = 12

/** What the world itself knows, whatever stands in the database. */
export type Claimed = {
  readonly execution: string
  readonly policy: LoadedPolicy
  readonly atMs: number
  readonly triggeredAtS: number
  readonly costWei: bigint
  readonly raw: Hex
  mined: boolean
}

/** A chain in memory with three endpoints, a database, and the signer's real decision and claim over both. */
export type PolicyWorld = {
  readonly claims: readonly Claimed[]
  readonly approvals: Map<string, Approvals>
  readonly policies: Map<string, LoadedPolicy>
  readonly proposedAtMs: Map<string, number>
  readonly ledger: Ledger
  head: number
  isHalted: boolean
  signaturesRequired: number
  /** Blocks by which each endpoint lags. */
  readonly lag: number[]
  readonly hashOf: (block: number) => Hex
  readonly timeOf: (block: number) => number
  /** What the signer does with one row; 'claimed' when it signed. */
  readonly turn: (id: string) => Promise<string>
  readonly mineAll: () => void
}

const hex = (value: number | bigint): Hex => `0x${value.toString(16)}`

export const createPolicyWorld = (
  database: TestDatabase,
  pause: ActionDefinition,
  startS: number,
): PolicyWorld => {
  const { db } = database
  const key = createSignerKey(`0x${'5d'.repeat(32)}`)
  const claims: Claimed[] = []
  const hashOf = (block: number): Hex => `0x${stableHash('block', block)}`
  const timeOf = (block: number): number => startS + (block - 1_000) * BLOCK_S
  const answer = (value: unknown): RpcAnswer => ({ ok: true, value })
  const respond = (method: string, params: readonly unknown[], head: number): RpcAnswer => {
    switch (method) {
      case 'eth_getBlockByNumber': {
        const number = params[0] === 'latest' ? head : Number(params[0])
        if (number > head) return answer(null)
        return answer({ number: hex(number), hash: hashOf(number), timestamp: hex(timeOf(number)) })
      }
      case 'eth_getCode':
        return answer(CODE)
      case 'eth_getStorageAt':
      case 'eth_call':
        return answer(`0x${'00'.repeat(32)}`)
      case 'eth_getTransactionCount':
        return answer(hex(claims.filter(({ mined }) => mined).length))
      case 'eth_getBalance':
        return answer(hex(10n ** 21n))
      case 'eth_feeHistory':
        return answer({
          baseFeePerGas: Array.from({ length: 11 }, () => hex(10n ** 9n)),
          gasUsedRatio: Array.from({ length: 10 }, () => 0.5),
          reward: Array.from({ length: 10 }, () => [hex(10n ** 9n)]),
        })
      default:
        return { ok: false, code: -32_601, message: 'method not found', data: '0x' }
    }
  }
  const rpc: SignerRpc = {
    chainId: CHAIN,
    ask: async (method, params) => respond(method, params, world.head - (world.lag[0] ?? 0)),
    get: async (method, params) => {
      const found = await rpc.ask(method, params)
      if (found.ok) return found.value
      throw new Error(found.message)
    },
    askEach: (method, params) =>
      world.lag.map(async (lag) => respond(method, params, world.head - lag)),
    health: () => [],
  }
  const costOf = (hash: string): Claimed | undefined =>
    claims.find(({ execution }) => hashes.get(hash) === execution)
  const hashes = new Map<string, string>()
  const lane: SignerLane = {
    chainId: CHAIN,
    chainName: 'local',
    rpc,
    sender: {
      name: 'local',
      send: async () => ({ outcome: 'accepted', message: '' }),
      status: async (hash) => {
        const claim = costOf(hash)
        if (!claim?.mined) return { state: 'unknown' }
        const feeWei = claim.costWei / 2n
        return { state: 'mined', hash, blockNumber: 1, blockHash: hash, success: true, feeWei }
      },
    },
  }
  const ledger = createMemoryLedger()
  const context: SignerContext = {
    db,
    log: createLogger({ service: 'test', level: 'silent' }),
    key,
    metrics: {} as SignerContext['metrics'],
    ledger,
    mode: 'auto',
    getPolicy: (id) => world.policies.get(id),
    getPolicyVersion: (hash) => [...world.policies.values()].find((each) => each.hash === hash),
    getAction: () => pause,
    get signaturesRequired() {
      return world.signaturesRequired
    },
    isHalted: () => world.isHalted,
    readApprovals: async ({ id }) => world.approvals.get(id) ?? { approvedBy: [], deniedBy: [] },
    readOrder: async () => ({ kind: 'none' }),
    isHolder: () => true,
    signal: new AbortController().signal,
  }
  const note = (
    row: ExecutionRow,
    policy: LoadedPolicy,
    finding: FindingRow,
    claim: ClaimResult,
  ) => {
    if (claim.kind !== 'claimed' || !claim.attempt) return
    hashes.set(claim.attempt.hash, row.id)
    claims.push({
      execution: row.id,
      policy,
      atMs: Date.now(),
      triggeredAtS: finding.blockTimestampS,
      costWei: policy.gasLimit * BigInt(claim.attempt.maxFeePerGasWei),
      raw: claim.attempt.raw,
      mined: false,
    })
  }
  const world: PolicyWorld = {
    claims,
    approvals: new Map(),
    policies: new Map(),
    proposedAtMs: new Map(),
    ledger,
    head: 1_000,
    isHalted: false,
    signaturesRequired: 0,
    lag: [0, 0, 0],
    hashOf,
    timeOf,
    mineAll: () => {
      for (const claim of claims) claim.mined = true
    },
    turn: async (id) => {
      const [found] = await db
        .select({ row: tables.execution, finding: tables.finding })
        .from(tables.execution)
        .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
        .where(eq(tables.execution.id, id))
      if (!found) return 'gone'
      const { row, finding } = found
      if (row.status !== 'requested' && row.status !== 'proposed') return 'over'
      const decision = await decideExecution(context, lane, row, finding)
      if (decision.kind === 'refuse') return decision.code
      if (decision.kind === 'propose') {
        await db
          .update(tables.execution)
          .set({ status: 'proposed', proposedAt: new Date() })
          .where(eq(tables.execution.id, id))
        await ledger.append({
          kind: 'proposed',
          execution: id,
          atMs: Date.now(),
          policyHash: row.policyHash ?? '',
        })
        if (!world.proposedAtMs.has(id)) world.proposedAtMs.set(id, Date.now())
        return 'propose'
      }
      if (decision.kind !== 'go') return decision.kind
      const claim = await claimExecution(context, lane, row, decision)
      note(row, decision.policy, decision.finding, claim)
      return claim.kind === 'refused' ? claim.code : claim.kind
    },
  }
  return world
}

/** A policy for the world's chain, with changes; its hash follows its content. */
export const createWorldPolicy = (
  changes: Partial<LoadedPolicy> & { readonly id: string },
  codeHash: Hex,
): LoadedPolicy => {
  const policy = {
    version: 1,
    action: 'pause',
    parameters: {},
    approvedBy: ['Ada'],
    approvedAt: '2020-01-01T00:00:00Z',
    expiresAt: '2099-01-01T00:00:00Z',
    chain: CHAIN,
    target: `0x${'11'.repeat(20)}` as Address,
    codeHash,
    calldata: '0x8456cb59' as Hex,
    value: 0n as const,
    gasLimit: 100_000n,
    maxFeePerGasWei: 10n ** 11n,
    maxPriorityFeePerGasWei: 10n ** 10n,
    maxSpendWeiPer24h: 10n ** 18n,
    triggers: [{ bot: 'a', minSeverity: 'High' as const }],
    quorum: { bots: 1, endpoints: 1 },
    freshness: { blocks: 5, seconds: 120 },
    mode: 'auto' as const,
    approval: { timeoutS: 600, required: 1, roles: [], onTimeout: 'drop' as const },
    limits: { maxPerWindow: 5, windowS: 3_600, maxLifetime: 20 },
    cooldownS: 0,
    exclusive: false,
    brake: { maxTargets: 10, windowS: 3_600 },
    simulation: {
      providers: ['eth_simulateV1' as const],
      assertions: { suspiciousReverts: 'off' as const, canaries: [] },
      mode: 'best-effort' as const,
      onUnavailable: 'proceed' as const,
      onRevert: 'stop' as const,
    },
    postcondition: { deadlineS: 60, confirmations: 1 },
    replaceAfterBlocks: 2,
    senders: [{ name: 'local', deadlineS: 60 }],
    broadcast: { mode: 'public' as const, afterBlocks: 1 },
    pending: { answer: false },
    channels: [],
    runbook: 'runbook.md',
    ...changes,
  }
  return {
    ...policy,
    hash: stableHash(
      'world',
      JSON.stringify(policy, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
    ),
    file: 'memory',
  }
}
