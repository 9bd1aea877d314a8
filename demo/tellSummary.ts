import type { AttackResult, AttackStep } from './attack.ts'
import type { ExecutionRow, FindingRow } from './followStory.ts'
import type { Judgement } from './judge.ts'
import type { MemoryUse } from './measureMemory.ts'
import { dollars, ethers, exactDollars, type Narrator } from './narrate.ts'

export type Summary = {
  readonly attack: AttackResult
  readonly judgement: Judgement
  readonly memory: readonly MemoryUse[]
  readonly executions: readonly ExecutionRow[]
  readonly findings: readonly FindingRow[]
  readonly attackBlock: number
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`
const share = (part: bigint, whole: bigint): string =>
  whole === 0n ? '0 %' : `${Number((part * 1_000n) / whole) / 10} %`

const step = (
  narrator: Narrator,
  { what, status, block, takenUnits }: Omit<AttackStep, 'hash'>,
): void => {
  const outcome =
    status === 'reverted' ? 'reverted' : takenUnits > 0n ? `got ${dollars(takenUnits)}` : ''
  narrator.say(status === 'reverted' ? 'good' : 'attacker', block, 'attacker', what, outcome)
}

const answers = (summary: Summary): readonly string[][] =>
  summary.executions.map((row) => {
    const wait =
      row.seenAtMs !== null && row.broadcastAt !== null
        ? `sent ${Math.round(row.broadcastAt.getTime() - row.seenAtMs)} ms after the block was seen`
        : 'not sent'
    const mined = row.minedBlock === null ? 'not mined' : `mined in #${row.minedBlock}`
    return [row.actionId, `${row.status}, ${wait}, ${mined}`]
  })

/** What ordinary people put in and took out beside the drains. */
const others = ({ vaultLeftUnits, vaultBeforeUnits, stolenUnits }: AttackResult): string[][] => {
  const net = vaultLeftUnits - vaultBeforeUnits + stolenUnits
  if (net === 0n) return []
  const amount = exactDollars(net < 0n ? -net : net)
  return [['ordinary users', `${amount} net ${net < 0n ? 'withdrawn' : 'deposited'} meanwhile`]]
}

const all = (narrator: Narrator, summary: Summary): void => {
  const { attack, judgement, memory } = summary
  narrator.heading('What came of it')
  narrator.table([
    ['vault before', exactDollars(attack.vaultBeforeUnits)],
    [
      'taken',
      `${exactDollars(attack.stolenUnits)} in ${attack.drains} drains (${share(attack.stolenUnits, attack.vaultBeforeUnits)})`,
    ],
    ['saved', `${exactDollars(attack.vaultLeftUnits)}; ${attack.stopped} further drains reverted`],
    ...others(attack),
    ['liquidity pulled', `${dollars(attack.pulled.usdUnits)} and ${ethers(attack.pulled.wei)}`],
    ...answers(summary),
  ])
  narrator.heading('Expected, and what came')
  narrator.table(judgement.rows.map(({ ok, what, detail }) => [ok ? '✓' : '✗', what, detail]))
  narrator.heading('Memory')
  const total = memory.reduce((sum, { bytes }) => sum + bytes, 0)
  narrator.table([
    ...memory.map(({ name, bytes }) => [name, megabytes(bytes)]),
    ['together', megabytes(total)],
  ])
  narrator.heading(
    judgement.passed
      ? 'Everything expected came, and nothing else did.'
      : 'Not everything came as expected.',
  )
}

const json = (summary: Summary): string => {
  const { attack, judgement, memory, executions, findings, attackBlock } = summary
  return JSON.stringify(
    {
      passed: judgement.passed,
      checks: judgement.rows,
      attack: { ...attack, firstBlock: attackBlock },
      executions: executions.map((row) => ({
        action: row.actionId,
        status: row.status,
        reason: row.reason,
        seenAtMs: row.seenAtMs,
        broadcastAt: row.broadcastAt?.toISOString() ?? null,
        minedBlock: row.minedBlock,
        transactions: row.txHashes,
      })),
      findings: findings.map((row) => ({
        bot: row.botId,
        alertId: row.alertId,
        severity: row.severity,
        thing: row.thing,
        block: row.blockNumber,
        latencyMs: row.latencyMs,
        status: row.status,
      })),
      memory,
    },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  )
}

/** The end of the story: amounts, what was expected and came, memory. */
export const tellSummary = { step, all, json }
