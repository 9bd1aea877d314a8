import { type Address, type Finding, type Hex, readToken, showAddress } from 'tocsin'
import type { Approval } from './approvals.ts'
import type { DrainContext, DrainThing, Spender } from './spenderBook.ts'

const KIND_TEXT: Readonly<Record<Spender['kind'], string>> = {
  known: 'a contract',
  account: 'an account without code',
  'new contract': 'a contract made within two days',
  contract: 'a contract that nobody approved before',
}

const about = (thing: DrainThing | undefined) =>
  thing
    ? {
        thing: thing.name,
        ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
      }
    : {}

const listed = (ctx: DrainContext, all: readonly Address[]): string =>
  `${all
    .slice(0, 3)
    .map((one) => showAddress(ctx, one))
    .join(', ')}${all.length > 3 ? ', …' : ''}`

export const reportApprovals = async (
  ctx: DrainContext,
  approval: Approval,
  spender: Spender,
  txHash: Hex,
): Promise<Finding> => {
  const { symbol } = await readToken(ctx, approval.token)
  const owners = spender.owners.map(({ address }) => address)
  const { approveS, minOwners } = ctx.parameters
  return {
    alertId: 'MANY-APPROVALS',
    name: `Many owners approve one new spender of ${symbol}`,
    description: `${owners.length} owners approved ${showAddress(ctx, approval.spender)} within ${approveS} s, ${KIND_TEXT[spender.kind]}: ${listed(ctx, owners)}.`,
    severity: spender.kind === 'contract' ? 'Low' : 'Medium',
    type: 'Suspicious',
    ...about(ctx.thingAt(approval.token)),
    metadata: {
      spender: approval.spender,
      spenderKind: spender.kind,
      firstApprovalS: String(spender.firstS),
      token: approval.token,
      symbol,
      owners: owners.slice(0, 20).join(' '),
      count: String(owners.length),
      threshold: String(minOwners),
      windowS: String(approveS),
      tx: txHash,
    },
    addresses: [approval.spender, approval.token],
    labels: [{ entity: approval.spender, label: 'suspected-phishing', confidence: 0.5 }],
    txHash,
    uniqueKey: approval.spender,
  }
}

export const reportPull = async (
  ctx: DrainContext,
  pull: {
    readonly spender: Address
    readonly kind: Spender['kind']
    readonly thing: DrainThing | undefined
    readonly token: Address
    readonly owners: readonly Address[]
    readonly receivers: readonly Address[]
    readonly caller: Address
    readonly txHash: Hex
  },
): Promise<Finding> => {
  const { symbol } = await readToken(ctx, pull.token)
  const { pullS, minPulled } = ctx.parameters
  return {
    alertId: 'APPROVALS-DRAINED',
    name: `Approvals are used to take ${symbol}`,
    description: `${symbol} was taken from ${pull.owners.length} owners within ${pullS} s, who had approved ${showAddress(ctx, pull.spender)} (${KIND_TEXT[pull.kind]}), sent nothing of it themselves and got nothing back: ${listed(ctx, pull.owners)}. It went to ${listed(ctx, pull.receivers)}; sent by ${showAddress(ctx, pull.caller)}.`,
    severity: 'High',
    type: 'Exploit',
    ...about(pull.thing ?? ctx.thingAt(pull.token)),
    metadata: {
      spender: pull.spender,
      spenderKind: pull.kind,
      token: pull.token,
      symbol,
      owners: pull.owners.slice(0, 20).join(' '),
      count: String(pull.owners.length),
      recipients: pull.receivers.slice(0, 8).join(' '),
      caller: pull.caller,
      threshold: String(minPulled),
      windowS: String(pullS),
      tx: pull.txHash,
    },
    addresses: [...new Set([pull.spender, pull.token, pull.caller, ...pull.receivers.slice(0, 8)])],
    labels: [{ entity: pull.caller, label: 'attacker', confidence: 0.7 }],
    txHash: pull.txHash,
    uniqueKey: pull.spender,
  }
}

export const reportTreasury = async (
  ctx: DrainContext,
  thing: DrainThing,
  approval: Approval,
  kind: 'account' | 'new contract',
  isNamed: boolean,
  txHash: Hex,
): Promise<Finding> => {
  const { symbol } = await readToken(ctx, approval.token)
  const amount = approval.units === undefined ? 'all' : approval.units.toString()
  return {
    alertId: 'TREASURY-APPROVAL',
    name: `${thing.name} approves a stranger`,
    description: `${thing.name} lets ${showAddress(ctx, approval.spender)}, ${KIND_TEXT[kind]}, take its ${symbol}${approval.units === undefined ? ' (all of the collection)' : ''}.`,
    severity: isNamed ? 'High' : 'Medium',
    type: 'Suspicious',
    ...about(thing),
    metadata: {
      owner: thing.address,
      spender: approval.spender,
      spenderKind: kind,
      token: approval.token,
      symbol,
      units: amount,
      tx: txHash,
    },
    addresses: [thing.address, approval.spender, approval.token],
    txHash,
    uniqueKey: `${thing.name}:${approval.token}:${approval.spender}`,
  }
}
