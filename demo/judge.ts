import { SEV_OF, type Sev } from '../core/base/index.ts'
import type { AttackResult } from './attack.ts'
import type { AlertRow, ExecutionRow, FindingRow } from './followStory.ts'
import type { Delivery } from './receiveWebhooks.ts'

export type Expected = {
  /** In a few words, for people. */
  readonly what: string
  readonly bot: string
  readonly thing: string
  /** Tells findings of one bot and thing apart. */
  readonly matches?: (
    finding: Pick<FindingRow, 'name' | 'description' | 'metadata' | 'alertId'>,
  ) => boolean
}

const mentions =
  (pattern: RegExp) =>
  ({
    name,
    description,
    metadata,
    alertId,
  }: Pick<FindingRow, 'name' | 'description' | 'metadata' | 'alertId'>): boolean =>
    pattern.test([alertId, name, description, ...Object.values(metadata)].join(' '))

/** Every one of these must be found, told to people, and reach the pager. */
export const EXPECTED: readonly Expected[] = [
  { what: 'the vault is drained', bot: 'tvl-drop', thing: 'demo-vault' },
  {
    what: "the vault's manager role is granted",
    bot: 'admin-call',
    thing: 'demo-vault',
    matches: mentions(/role/i),
  },
  {
    what: "the vault's silent admin function is called",
    bot: 'admin-call',
    thing: 'demo-vault',
    matches: mentions(/setFeeRecipient|e74b981b/i),
  },
  {
    what: "the vote token's admin role is granted",
    bot: 'admin-call',
    thing: 'dvote',
    matches: mentions(/role/i),
  },
  { what: 'large amounts of dUSD move', bot: 'large-transfer', thing: 'dusd' },
  { what: 'a large amount of WETH moves', bot: 'large-transfer', thing: 'weth' },
  { what: 'liquidity leaves the v2 pair', bot: 'liquidity-pull', thing: 'dusd-weth-v2' },
  { what: 'liquidity leaves the v3 pool', bot: 'liquidity-pull', thing: 'dusd-weth-v3' },
  {
    what: 'a contract is made for the attack',
    bot: 'attacker-preparation',
    thing: 'demo-vault',
  },
  { what: 'more leaves the vault than ever before', bot: 'outflow-cap', thing: 'demo-vault' },
  { what: 'a share of the vault loses value', bot: 'share-price', thing: 'demo-vault' },
  { what: 'all of it is told as one incident', bot: 'correlation', thing: 'demo-vault' },
]

/** What the attack may raise beside the expected: the same facts seen by another bot or on another thing. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...EXPECTED.map(({ bot, thing }) => `${bot} ${thing}`),
  'tvl-drop dusd-weth-v2',
  'tvl-drop dusd-weth-v3',
  'outflow-cap dusd-weth-v2',
  'outflow-cap dusd-weth-v3',
  'attacker-preparation dusd',
  'attacker-preparation weth',
  'attacker-preparation dvote',
  'attacker-preparation dusd-weth-v2',
  'attacker-preparation dusd-weth-v3',
  'rug-pull dusd-weth-v2',
  'rug-pull dusd-weth-v3',
])

export type Judgement = {
  readonly rows: readonly { readonly ok: boolean; readonly what: string; readonly detail: string }[]
  readonly passed: boolean
}

export type Evidence = {
  readonly findings: readonly FindingRow[]
  readonly alerts: readonly AlertRow[]
  readonly executions: readonly ExecutionRow[]
  readonly deliveries: readonly Delivery[]
  readonly refused: number
  /** First block that the attacker could be in. */
  readonly attackBlock: number
  readonly attack: AttackResult
  readonly memoryBytes: number
  readonly restarts: number
}

export const MEMORY_LIMIT_BYTES = 1.5 * 1024 ** 3

const isGrave = (severity: string): boolean => {
  const sev: Sev | undefined = Object.entries(SEV_OF).find(([name]) => name === severity)?.[1]
  return sev !== 'SEV4'
}

/** Findings that ordinary traffic raised above SEV4, or that the attack does not explain. */
const listUnexpected = (
  findings: readonly FindingRow[],
  attackBlock: number,
): readonly FindingRow[] =>
  findings.filter((finding) => {
    if (!isGrave(finding.severity)) return false
    if (finding.chainId === 0 || finding.blockNumber < attackBlock) return true
    return !ALLOWED.has(`${finding.botId} ${finding.thing ?? ''}`)
  })

const isFor = (
  expected: Expected,
  row: { readonly botId: string; readonly thing: string | null },
): boolean => row.botId === expected.bot && row.thing === expected.thing

/** The findings, of those that came with the attack, that answer an expectation. */
export const findingsFor = (
  expected: Expected,
  findings: readonly FindingRow[],
  attackBlock: number,
): readonly FindingRow[] =>
  findings.filter(
    (finding) =>
      isFor(expected, finding) &&
      finding.blockNumber >= attackBlock &&
      finding.status !== 'retracted' &&
      isGrave(finding.severity) &&
      (expected.matches?.(finding) ?? true),
  )

const judgeExpected = (expected: Expected, evidence: Evidence): Judgement['rows'][number] => {
  const found = findingsFor(expected, evidence.findings, evidence.attackBlock)
  const [first] = found
  if (!first) return { ok: false, what: expected.what, detail: `${expected.bot}: no finding` }
  const alertIds = new Set(found.map(({ alertId }) => alertId))
  const alerts = evidence.alerts.filter(
    (alert) => isFor(expected, alert) && alertIds.has(alert.alertId),
  )
  const delivered = evidence.deliveries.filter((delivery) =>
    alerts.some(({ id }) => id === delivery.alert),
  )
  const latency =
    first.latencyMs === null ? '' : `, ${Math.round(first.latencyMs)} ms after the block`
  const detail = `${expected.bot}: #${first.blockNumber} ${first.severity}${latency}; ${alerts[0]?.severity ?? 'no alert'}, ${delivered.length > 0 ? 'paged' : 'not paged'}`
  return { ok: alerts.length > 0 && delivered.length > 0, what: expected.what, detail }
}

/** Whether everything expected came and nothing else did. */
export const judge = (evidence: Evidence): Judgement => {
  const { attack } = evidence
  const unexpected = listUnexpected(evidence.findings, evidence.attackBlock)
  const [pause, ...further] = evidence.executions
  const early = evidence.deliveries.filter(
    (delivery) => delivery.thing === null || delivery.bot === 'tocsin',
  )
  const rows: Judgement['rows'][number][] = [
    ...EXPECTED.map((expected) => judgeExpected(expected, evidence)),
    {
      ok: pause?.status === 'succeeded' && further.length === 0 && attack.isPaused,
      what: 'the vault is paused, once',
      detail: pause
        ? `${pause.actionId}: ${pause.status}${pause.minedBlock === null ? '' : ` in #${pause.minedBlock}`}${pause.reason ? `, ${pause.reason}` : ''}`
        : 'nothing was asked for',
    },
    {
      ok: attack.stopped > 0,
      what: 'further drains revert',
      detail: `${attack.drains} succeeded, ${attack.stopped} reverted`,
    },
    {
      ok: evidence.refused === 0 && early.length === 0,
      what: 'only signed messages, only about the attack',
      detail: `${evidence.deliveries.length} messages, ${evidence.refused} refused`,
    },
    {
      ok: unexpected.length === 0,
      what: 'nothing unexpected',
      detail:
        unexpected.length === 0
          ? 'ordinary traffic raised nothing above SEV4'
          : unexpected
              .slice(0, 5)
              .map(
                (finding) =>
                  `#${finding.blockNumber} ${finding.botId} ${finding.alertId} ${finding.severity}`,
              )
              .join('; '),
    },
    {
      ok: evidence.restarts === 0,
      what: 'no process died',
      detail: `${evidence.restarts} restarts`,
    },
    {
      ok: evidence.memoryBytes < MEMORY_LIMIT_BYTES,
      what: 'memory below 1.5 GB',
      detail: `${Math.round(evidence.memoryBytes / 1024 ** 2)} MB`,
    },
  ]
  return { rows, passed: rows.every(({ ok }) => ok) }
}
