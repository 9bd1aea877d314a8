import {
  type Address,
  addressOfWord,
  addressTopic,
  type BotBlock,
  type ChainLog,
  defineBot,
  type Finding,
  type Hex,
  requireAbi,
} from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { isInflated, judgeDeposit, judgePrice, movePpb, offsetOf } from './judgePrice.ts'
import { sharePriceParameters } from './parameters.ts'
import { reportInflation, reportMove, reportRobbed, type Suspect } from './report.ts'
import { beginUsual, learn, type Usual } from './usualYield.ts'
import {
  readSnapshot,
  readsOf,
  readUnits,
  type ShareContext,
  type Snapshot,
  type Units,
  type VaultThing,
} from './vault.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const DEPOSIT = toEventSelector('Deposit(address,address,uint256,uint256)')
const WITHDRAW = toEventSelector('Withdraw(address,address,address,uint256,uint256)')
/** Virtual shares with so many digits make an inflation cost the attacker more than anybody else. */
const SAFE_OFFSET = 3

const word = (data: Hex, index: number): bigint =>
  data.length >= 2 + 64 * (index + 1)
    ? BigInt(`0x${data.slice(2 + 64 * index, 66 + 64 * index)}`)
    : 0n

const isOf = (thing: VaultThing, log: ChainLog, topic: Hex): boolean =>
  log.address === thing.address && log.topics[0] === topic

/** The asset that came in beside deposits, and the transaction that brought most of it. */
const readFlows = (thing: VaultThing, block: BotBlock, units: Units) => {
  const to = addressTopic(thing.address)
  // By transaction: what was transferred in beyond what its deposits say.
  const surplus = new Map<Hex, bigint>()
  const add = (txHash: Hex, amount: bigint): unknown =>
    surplus.set(txHash, (surplus.get(txHash) ?? 0n) + amount)
  let hasWithdrawals = false
  for (const log of block.logs) {
    if (isOf(thing, log, DEPOSIT)) add(log.txHash, -word(log.data, 0))
    else if (isOf(thing, log, WITHDRAW)) hasWithdrawals = true
    else if (
      log.address === units.asset?.address &&
      log.topics[0] === TRANSFER &&
      log.topics[2] === to
    )
      add(log.txHash, word(log.data, 0))
  }
  let donated = 0n
  let most: { readonly txHash: Hex; readonly units: bigint } | undefined
  for (const [txHash, amount] of surplus) {
    if (amount <= 0n) continue
    donated += amount
    if (!most || amount > most.units) most = { txHash, units: amount }
  }
  const first = most ?? block.logs.find((log) => log.address === thing.address)
  return { donated, hasWithdrawals, suspect: suspectOf(block, first?.txHash, most?.units) }
}

const suspectOf = (block: BotBlock, txHash: Hex | undefined, units = 0n): Suspect | undefined => {
  const tx = block.transactions.find(({ hash }) => hash === txHash)
  return tx && { txHash: tx.hash, sender: tx.from, units }
}

const findRobbed = (
  ctx: ShareContext,
  block: BotBlock,
  thing: VaultThing,
  facts: { readonly before: Snapshot | undefined; readonly now: Snapshot; readonly units: Units },
): readonly Finding[] => {
  const { before, now, units } = facts
  const best = before && before.price > now.price ? before.price : now.price
  const supply = before && before.shares < now.shares ? before.shares : now.shares
  return block.logs.flatMap((log): readonly Finding[] => {
    if (!isOf(thing, log, DEPOSIT)) return []
    const deposit = {
      assets: word(log.data, 0),
      shares: word(log.data, 1),
      owner: addressOfWord(log.topics[2] ?? '0x') ?? thing.address,
    }
    const lost = judgeDeposit(deposit, best, supply, units, thing.parameters)
    const suspect = suspectOf(block, log.txHash, deposit.assets)
    if (lost === undefined || !suspect) return []
    const { logIndex } = log
    return [reportRobbed(ctx, thing, { now, units, deposit, lost, suspect, logIndex })]
  })
}

const same = (a: Snapshot, b: Snapshot): boolean =>
  a.price === b.price && a.assets === b.assets && a.shares === b.shares

const examine = async (
  ctx: ShareContext,
  block: BotBlock,
  thing: VaultThing,
): Promise<readonly Finding[]> => {
  const now = readSnapshot(ctx, thing)
  if (!now) return []
  const key = `vault:${thing.name}`
  const before = ctx.state.get<Snapshot>(key)
  const hasLogs = block.logs.some(({ address }) => address === thing.address)
  if (before && same(before, now) && !hasLogs) return []
  ctx.state.set(key, now)
  const units = await readUnits(ctx, thing)
  const findings = [...findRobbed(ctx, block, thing, { before, now, units })]

  const inflatedKey = `inflated:${thing.name}`
  const wasInflated = ctx.state.get(inflatedKey) !== undefined
  const inflated = isInflated(now, units, thing.parameters)
  const { suspect, ...flows } = readFlows(thing, block, units)
  if (inflated !== wasInflated) {
    if (inflated) ctx.state.set(inflatedKey, block.number)
    else ctx.state.delete(inflatedKey)
    const severity = offsetOf(units) >= SAFE_OFFSET ? 'Medium' : 'High'
    const condition = inflated ? 'holds' : 'ended'
    findings.push(reportInflation(ctx, thing, { now, units, condition, severity, suspect }))
  }
  if (!before) return findings

  const nowS = ctx.block.timestampS
  const usualKey = `usual:${thing.name}`
  const usual = ctx.state.get<Usual>(usualKey) ?? beginUsual(nowS)
  const ppb = movePpb(before.price, now.price)
  const move = judgePrice(before, now, { flows, usual, units, nowS }, thing.parameters)
  if (ppb !== 0 && before.shares > 0n) ctx.state.set(usualKey, learn(usual, ppb, nowS))
  // What is told as an inflation, or as its end, is not told as a jump or a drop as well.
  if (move && !inflated && !wasInflated) {
    const { donated } = flows
    findings.push(reportMove(ctx, block, thing, { before, now, move, units, donated, suspect }))
  }
  return findings
}

/**
 * The price of an ERC-4626 share: gains no yield explains, losses, dilution, and deposits that got too little.
 * State per vault: one snapshot, six numbers of its usual yield, two tokens.
 */
export const sharePrice = defineBot({
  id: 'share-price',
  version: '1.0.0',
  summary:
    "A vault's share jumps or drops in one block, or is inflated so that deposits get too few shares.",
  parameters: sharePriceParameters,
  kinds: ['vault'],
  alerts: [
    { id: 'SHARE-PRICE-JUMP', title: 'Share price jumped', kind: 'event', severity: 'Critical' },
    { id: 'SHARE-PRICE-DROP', title: 'Share price dropped', kind: 'event', severity: 'Critical' },
    { id: 'SHARE-INFLATION', title: 'Shares inflated', kind: 'condition', severity: 'High' },
    {
      id: 'DEPOSIT-ROBBED',
      title: 'Deposit got too few shares',
      kind: 'event',
      severity: 'Critical',
    },
  ],
  needs: ({ things }) => {
    for (const thing of things)
      requireAbi('share-price', thing, { functions: ['totalAssets', 'totalSupply'] })
    const vaults = things.flatMap((thing) => (thing.kind === 'vault' ? [thing] : []))
    return {
      everyBlock: true,
      logs: vaults.flatMap((thing) => [
        { address: thing.address, topics: [[DEPOSIT, WITHDRAW]] },
        {
          ...(thing.asset ? { address: thing.asset.toLowerCase() as Address } : {}),
          topics: [TRANSFER, null, addressTopic(thing.address)],
        },
      ]),
      reads: vaults.flatMap(readsOf),
    }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    for (const thing of ctx.things)
      if (thing.kind === 'vault') findings.push(...(await examine(ctx, block, thing)))
    return findings
  },
})
