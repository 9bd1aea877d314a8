import {
  type Address,
  addressTopic,
  type BotBlock,
  type ChainTransaction,
  defineBot,
  type Finding,
} from 'tocsin'
import { parseAbi } from 'viem/utils'
import {
  APPROVAL,
  APPROVAL_FOR_ALL,
  type Approval,
  PERMIT2,
  PERMIT2_APPROVAL,
  PERMIT2_PERMIT,
  parseApproval,
  parseMove,
  TRANSFER,
  TRANSFER_BATCH,
  TRANSFER_SINGLE,
} from './approvals.ts'
import { approvalDrainParameters } from './parameters.ts'
import { reportApprovals, reportPull, reportTreasury } from './report.ts'
import {
  addPulled,
  type DrainContext,
  type DrainThing,
  getSpender,
  isTrusted,
  isYoung,
  listHot,
  noteApproval,
  noteCreation,
  setSpender,
} from './spenderBook.ts'

const allowanceAbi = parseAbi([
  'function allowance(address owner, address spender) view returns (uint256)',
  'function isApprovedForAll(address owner, address operator) view returns (bool)',
])

const isToken = ({ kind }: DrainThing): boolean => kind === 'token' || kind === 'vault'
const isOwner = ({ kind }: DrainThing): boolean => kind === 'treasury' || kind === 'multisig'

/** Anybody can write a log about a treasury; the token must say it too. */
const isReal = async (ctx: DrainContext, { token, owner, spender, units }: Approval) => {
  const answer = await ctx.read.call<bigint | boolean>({
    address: token,
    abi: allowanceAbi,
    functionName: units === undefined ? 'isApprovedForAll' : 'allowance',
    args: [owner, spender],
  })
  return answer.ok && (typeof answer.value === 'boolean' ? answer.value : answer.value > 0n)
}

const examineTreasury = async (
  ctx: DrainContext,
  thing: DrainThing,
  approval: Approval,
  tx: ChainTransaction,
): Promise<Finding | undefined> => {
  const { spender, token } = approval
  const code = await ctx.read.code(spender)
  const isAccount = code === '0x'
  const isFresh =
    !isAccount && (isYoung(ctx, spender) || (await ctx.read.code(spender, 'parent')) === '0x')
  if (!isAccount && !isFresh) return undefined
  const named = thing.kind === 'treasury' ? thing.tokens.map((one) => one.toLowerCase()) : []
  const isNamed = named.includes(token) || ctx.thingAt(token) !== undefined
  if (!(await isReal(ctx, approval))) return undefined
  return reportTreasury(
    ctx,
    thing,
    approval,
    isAccount ? 'account' : 'new contract',
    isNamed,
    tx.hash,
  )
}

const examineApprovals = async (
  ctx: DrainContext,
  tx: ChainTransaction,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  for (const log of tx.logs) {
    const approval = parseApproval(log)
    if (!approval || isTrusted(ctx, approval.spender)) continue
    const owner = ctx.thingAt(approval.owner)
    if (owner && isOwner(owner)) {
      const finding = await examineTreasury(ctx, owner, approval, tx)
      if (finding) findings.push(finding)
    }
    const token = ctx.thingAt(approval.token)
    if (!token || !isToken(token) || approval.owner === approval.token) continue
    const spender = await noteApproval(ctx, approval)
    if (!spender || spender.isTold || spender.owners.length < ctx.parameters.minOwners) continue
    setSpender(ctx, approval.spender, { ...spender, isTold: true })
    findings.push(await reportApprovals(ctx, approval, spender, tx.hash))
  }
  return findings
}

type Pull = { readonly owners: Set<Address>; readonly receivers: Set<Address>; token: Address }

/** From whom the transaction took, by the spender they had approved, and who got nothing for it. */
const pullsOf = (
  tx: ChainTransaction,
  spenderOf: ReadonlyMap<Address, Address>,
): ReadonlyMap<Address, Pull> => {
  const pulls = new Map<Address, Pull>()
  const moves = tx.logs.flatMap((log) => parseMove(log) ?? [])
  for (const { token, from, to } of moves) {
    const spender = spenderOf.get(from)
    if (spender === undefined || from === tx.from) continue
    if (moves.some((other) => other.to === from)) continue
    const pull = pulls.get(spender) ?? { owners: new Set(), receivers: new Set(), token }
    pull.owners.add(from)
    pull.receivers.add(to)
    pulls.set(spender, pull)
  }
  return pulls
}

const examinePulls = async (
  ctx: DrainContext,
  tx: ChainTransaction,
  spenderOf: ReadonlyMap<Address, Address>,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  for (const [address, pull] of pullsOf(tx, spenderOf)) {
    const spender = getSpender(ctx, address)
    const isOurs = [...pull.receivers].every((one) => isTrusted(ctx, one))
    if (!spender || spender.isPullTold || isOurs) continue
    const pulled = addPulled(ctx, spender.pulled, [...pull.owners])
    const isPullTold = pulled.length >= ctx.parameters.minPulled
    setSpender(ctx, address, { ...spender, pulled, isPullTold })
    if (!isPullTold) continue
    findings.push(
      await reportPull(ctx, {
        spender: address,
        kind: spender.kind,
        thing: undefined,
        token: pull.token,
        owners: pulled.map((one) => one.address),
        receivers: [...pull.receivers],
        caller: tx.from,
        txHash: tx.hash,
      }),
    )
  }
  return findings
}

const ownersOfHot = (ctx: DrainContext): ReadonlyMap<Address, Address> => {
  const owners = new Map<Address, Address>()
  for (const spender of listHot(ctx))
    for (const { address } of getSpender(ctx, spender)?.owners ?? []) owners.set(address, spender)
  return owners
}

const examine = async (block: BotBlock, ctx: DrainContext): Promise<readonly Finding[]> => {
  if (ctx.state.get<number>('startS') === undefined) ctx.state.set('startS', block.timestampS)
  const findings: Finding[] = []
  let spenderOf = ownersOfHot(ctx)
  for (const tx of block.transactions) {
    if (tx.to === null && tx.contractAddress !== null) noteCreation(ctx, tx.contractAddress)
    const hotBefore = listHot(ctx)
    const isApproving = tx.logs.some(({ topics: [topic] }) => topic !== TRANSFER)
    if (isApproving) findings.push(...(await examineApprovals(ctx, tx)))
    if (listHot(ctx) !== hotBefore) spenderOf = ownersOfHot(ctx)
    if (spenderOf.size > 0) findings.push(...(await examinePulls(ctx, tx, spenderOf)))
  }
  return findings
}

/**
 * Approvals that people were talked into, and what is taken by them: of watched tokens, and of watched treasuries to
 * strangers. State: 2,048 spenders, of new ones 64 owners each (those of a day); the contracts created in two days.
 */
export const approvalDrain = defineBot({
  id: 'approval-drain',
  version: '1.0.0',
  summary:
    'Many owners approve one new spender, approvals are used to empty them, or a treasury approves a stranger.',
  parameters: approvalDrainParameters,
  kinds: ['token', 'vault', 'treasury', 'multisig'],
  alerts: [
    {
      id: 'MANY-APPROVALS',
      title: 'Many owners approve one new spender',
      kind: 'event',
      severity: 'Medium',
    },
    {
      id: 'APPROVALS-DRAINED',
      title: 'Approvals are used to take from many',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'TREASURY-APPROVAL',
      title: 'A treasury approves a stranger',
      kind: 'event',
      severity: 'High',
    },
  ],
  needs: ({ things }) => {
    const tokens = things.filter(isToken).map(({ address }) => address)
    const owners = things.filter(isOwner).map(({ address }) => addressTopic(address))
    const permits = [PERMIT2_PERMIT, PERMIT2_APPROVAL]
    return {
      logs: [
        {
          address: tokens,
          topics: [[APPROVAL, APPROVAL_FOR_ALL, TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH]],
        },
        ...(tokens.length > 0
          ? [{ address: PERMIT2, topics: [permits, null, tokens.map(addressTopic)] }]
          : []),
        ...(owners.length > 0
          ? [
              { topics: [[APPROVAL, APPROVAL_FOR_ALL], owners] },
              { address: PERMIT2, topics: [permits, owners] },
            ]
          : []),
      ],
      creations: true,
    }
  },
  handleBlock: examine,
})
