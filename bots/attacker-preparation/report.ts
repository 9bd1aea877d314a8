import {
  type BotAlert,
  type ChainTransaction,
  type Finding,
  type FindingSeverity,
  showAddress,
} from 'tocsin'
import type { CodeFacts, PrepThing } from './readCode.ts'
import type { Funding, PrepContext, Suspect } from './suspects.ts'

const about = (thing: PrepThing) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
})

export type Preparation = {
  readonly suspect: Suspect
  readonly severity: FindingSeverity
  readonly named: CodeFacts['named'][number]
  readonly callbacks: readonly string[]
  readonly funding: Funding | undefined
  readonly nonce: number | undefined
}

export const reportPreparation = (
  ctx: PrepContext,
  { suspect, severity, named, callbacks, funding, nonce }: Preparation,
): Finding => {
  const { thing, by, functions } = named
  const { deployer, contract, tx } = suspect
  const how =
    by === 'address'
      ? `holds the address of ${thing.name}`
      : `holds the functions ${functions.slice(0, 5).join(', ')} of ${thing.name}`
  const loans = callbacks.length > 0 ? ` and takes flash loans (${callbacks.join(', ')})` : ''
  const who = [
    ...(nonce === undefined ? [] : [`sent ${nonce} transactions before`]),
    ...(funding ? [`was funded by ${funding.by} (${funding.kind})`] : []),
  ].join(' and ')
  return {
    alertId: 'ATTACK-PREPARED',
    name: `A stranger's contract is made for ${thing.name}`,
    description: `${showAddress(ctx, deployer)}${who ? `, who ${who},` : ''} created ${showAddress(ctx, contract)}, which ${how}${loans}.`,
    severity,
    type: 'Suspicious',
    ...about(thing),
    metadata: {
      deployer,
      contract,
      signs: suspect.signs.join(','),
      namedBy: by,
      functions: functions.slice(0, 10).join(', '),
      callbacks: callbacks.join(', '),
      ...(nonce === undefined ? {} : { nonce: String(nonce) }),
      ...(funding
        ? { fundedBy: funding.by, fundingKind: funding.kind, fundingTx: funding.tx }
        : {}),
      thresholdSigns: '2',
      thresholdNonce: String(ctx.parameters.freshNonce),
      windowS: String(ctx.parameters.windowS),
      tx,
    },
    addresses: [thing.address, contract, deployer],
    labels: [{ entity: contract, label: 'attacker-contract', confidence: 0.4 }],
    txHash: tx,
    uniqueKey: `${thing.name}:${contract}`,
  }
}

const RAISED: Readonly<Partial<Record<FindingSeverity, FindingSeverity>>> = {
  Medium: 'High',
  High: 'Critical',
  Critical: 'Critical',
}

/** What another bot found, one severity graver, since a suspect did it. */
export const reportStrike = (
  ctx: PrepContext,
  alert: BotAlert,
  thing: PrepThing,
  suspect: Suspect,
  tx: ChainTransaction,
): Finding => ({
  alertId: 'PREPARED-ATTACK',
  name: `${thing.name}: a suspect acts`,
  description: `${alert.name} (${alert.botId}) was done by ${showAddress(ctx, tx.from)}${tx.to ? ` through ${showAddress(ctx, tx.to)}` : ''}: ${suspect.signs.join(', ')}, contract created in block ${suspect.block}.`,
  severity: RAISED[alert.severity] ?? 'High',
  type: 'Exploit',
  ...about(thing),
  metadata: {
    finding: alert.id,
    bot: alert.botId,
    alert: alert.alertId,
    severityBefore: alert.severity,
    deployer: suspect.deployer,
    contract: suspect.contract,
    signs: suspect.signs.join(','),
    createdBlock: String(suspect.block),
    creationTx: suspect.tx,
    leadS: String(ctx.block.timestampS - suspect.atS),
    windowS: String(ctx.parameters.windowS),
    tx: tx.hash,
  },
  addresses: [thing.address, suspect.contract, suspect.deployer],
  labels: [{ entity: suspect.deployer, label: 'attacker', confidence: 0.8 }],
  txHash: tx.hash,
  uniqueKey: `${thing.name}:${suspect.contract}`,
})
