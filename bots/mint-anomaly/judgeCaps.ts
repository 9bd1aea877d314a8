import {
  type Address,
  addressOfWord,
  type Finding,
  type FindingSeverity,
  formatAmount,
} from 'tocsin'
import { isKnownMinter } from './minters.ts'
import { CAPS, type Flow, wordOf } from './readFlow.ts'
import { report, unitOf } from './report.ts'
import { BPS, type MintContext, type MintThing, partOf } from './types.ts'

const gradeCap = (part: number, isKnown: boolean, limitBps: number): FindingSeverity => {
  if (part >= 1_000_000) return 'High'
  if (part > limitBps * BPS) return 'Medium'
  return isKnown ? 'Info' : 'Low'
}

type Said = {
  readonly severity: FindingSeverity
  readonly what: string
  readonly metadata: Readonly<Record<string, string>>
}

const judgeAllowance = async (
  ctx: MintContext,
  thing: MintThing,
  who: Address,
  cap: bigint,
  supply: bigint | undefined,
): Promise<Said> => {
  const part = supply === undefined ? 0 : partOf(cap, supply)
  const isKnown = isKnownMinter(ctx, thing, who)
  const { decimals, symbol } = await unitOf(ctx, thing)
  const all = part >= 1_000_000 ? ', as much as there is or more' : ''
  return {
    severity: gradeCap(part, isKnown, thing.parameters.capBps),
    what: `a minter may now make ${formatAmount(cap, decimals, symbol)}${all}.`,
    metadata: {
      capUnits: cap.toString(),
      partBps: String(Math.floor(part / BPS)),
      thresholdBps: String(thing.parameters.capBps),
      isKnown: isKnown ? 'yes' : 'no',
    },
  }
}

/** Allowances of minters as Circle's token and cross-chain tokens tell them: who may mint how much. */
export const judgeCaps = async (
  ctx: MintContext,
  thing: MintThing,
  flow: Flow,
  supply: bigint | undefined,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  for (const [ordinal, log] of flow.caps.entries()) {
    const kind = CAPS.get(log.topics[0] ?? '0x')
    const who = addressOfWord(log.topics[1] ?? '0x')
    if (!kind || !who) continue
    const said = ((): Said | undefined => {
      if (kind === 'removed')
        return { severity: 'Info', what: 'a minter was removed.', metadata: {} }
      if (kind === 'master')
        return { severity: 'High', what: 'who decides about minters changed.', metadata: {} }
      return undefined
    })()
    const facts = said ?? (await judgeAllowance(ctx, thing, who, wordOf(log.data) ?? 0n, supply))
    const finding = await report(ctx, thing, {
      ...facts,
      alertId: 'MINTER-CAP',
      minter: who,
      metadata: { ...facts.metadata, change: kind, tx: log.txHash },
      uniqueKey: `${thing.name}:${ordinal}`,
    })
    findings.push({ ...finding, txHash: log.txHash })
  }
  return findings
}
