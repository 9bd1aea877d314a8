import {
  type Address,
  type AlertBlock,
  addressOfWord,
  addressTopic,
  type BotAlert,
  type BotBlock,
  type ChainTransaction,
  defineBot,
  EVERY_KIND,
  type Finding,
  type FindingSeverity,
  type Hex,
  type Label,
} from 'tocsin'
import { type AttackerPreparationParameters, attackerPreparationParameters } from './parameters.ts'
import {
  type CodeFacts,
  isOwnAddress,
  type PrepThing,
  readCode,
  type Targets,
  targetsOf,
} from './readCode.ts'
import { reportPreparation, reportStrike } from './report.ts'
import {
  countNamings,
  type Funding,
  findFunding,
  listSuspects,
  nonceOf,
  noteFunding,
  noteSuspect,
  type PrepContext,
  type Suspect,
} from './suspects.ts'

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Of Tornado's pools: `Withdrawal(address,bytes32,address,uint256)`; the receiver is the first word of the data. */
const MIXED: Hex = '0xe9e508bad6d4c3227e881ca19068f099da81b5164dd6d62b2eaf1e8bc6c34931'
/** Factories that anybody may use: the salt, then the init code. */
const FACTORIES: readonly Address[] = [
  '0x4e59b44847b379578588920ca78fbf26c0b4956c',
  '0xce0042b868300000d44a59004da54a005ffdcf9f',
  '0xba5ed099633d3b313e4d5f7bdc1305d3c28ba5ed',
]
const MAX_CODE = 2 + 2 * 131_072

const hasTag = (label: Label, tags: readonly string[]): boolean =>
  label.tags.some((tag) => tags.includes(tag))

const fundersIn = (
  labels: readonly Label[],
  { fundingTags, bridgeTags }: AttackerPreparationParameters,
): readonly Address[] => [
  ...new Set(
    labels
      .filter((label) => hasTag(label, [...fundingTags, ...bridgeTags]))
      .map(({ address }) => address.toLowerCase() as Address),
  ),
]

const fundingKind = (ctx: PrepContext, address: Address): Funding['kind'] | undefined => {
  const label = ctx.labels.get(address)
  if (!label) return undefined
  if (hasTag(label, ctx.parameters.fundingTags)) return 'mixer'
  return hasTag(label, ctx.parameters.bridgeTags) ? 'bridge' : undefined
}

/** Native coin from an account with a label, tokens, and what Tornado's pools pay out. */
const noteFundings = (ctx: PrepContext, tx: ChainTransaction): void => {
  const note = (from: Address, to: Address | undefined): void => {
    const kind = fundingKind(ctx, from)
    if (!kind || !to || to === from) return
    const by = ctx.labels.get(from)?.name ?? from
    noteFunding(ctx, to, { by, kind, atS: ctx.block.timestampS, tx: tx.hash })
  }
  if (tx.to !== null && (tx.value ?? 0n) > 0n && tx.status === 'success') note(tx.from, tx.to)
  for (const { address, topics, data } of tx.logs) {
    if (topics[0] === MIXED) note(address, addressOfWord(data.slice(0, 66) as Hex))
    if (topics[0] !== TRANSFER || topics.length !== 3) continue
    const from = addressOfWord(topics[1] ?? '0x')
    if (from) note(from, addressOfWord(topics[2] ?? '0x'))
  }
}

/** Two of three: who pays (or nobody knows them), what it borrows, whom it names. Naming is always one of them. */
const judge = (facts: {
  readonly isMixed: boolean
  readonly isFresh: boolean
  readonly isBridged: boolean
  readonly takesLoans: boolean
  readonly isHabit: boolean
  readonly by: 'address' | 'functions'
}): FindingSeverity | undefined => {
  const { isMixed, isFresh, isBridged, takesLoans, isHabit, by } = facts
  if (isMixed && takesLoans) {
    if (isHabit) return 'Low'
    return by === 'address' ? 'High' : 'Medium'
  }
  if (isHabit || (!isMixed && !isFresh && !takesLoans)) return undefined
  if (isMixed || (isFresh && (takesLoans || isBridged))) return 'Medium'
  return isFresh && by === 'address' ? 'Medium' : 'Low'
}

type Creation = {
  readonly tx: ChainTransaction
  readonly contract: Address
  readonly code: Hex
}

const signsOf = (
  nonce: number | undefined,
  funding: Funding | undefined,
  { named, callbacks }: CodeFacts,
): readonly string[] => [
  ...(nonce === undefined ? [] : ['fresh deployer']),
  ...(funding ? [`funded by a ${funding.kind}`] : []),
  ...(callbacks.length > 0 ? ['takes flash loans'] : []),
  ...named.map(({ thing }) => `names ${thing.name}`),
]

const examineCreation = (
  ctx: PrepContext,
  { tx, contract, code }: Creation,
  targets: Targets,
): readonly Finding[] => {
  if (isOwnAddress(ctx.labels.get(tx.from)?.tags) || ctx.thingAt(tx.from)) return []
  const { freshNonce, minSelectors, habitDeployers } = ctx.parameters
  const facts = readCode(code, targets, minSelectors)
  const funding = findFunding(ctx, tx.from)
  if (facts.named.length === 0 && facts.callbacks.length === 0 && funding?.kind !== 'mixer')
    return []
  const nonce =
    tx.to === null && tx.contractAddress !== null
      ? nonceOf(tx.from, tx.contractAddress, freshNonce)
      : undefined
  const isMixed = funding?.kind === 'mixer'
  const takesLoans = facts.callbacks.length > 0
  const signs = signsOf(nonce, funding, facts)
  const suspect: Suspect = {
    deployer: tx.from,
    contract,
    atS: ctx.block.timestampS,
    block: ctx.block.number,
    signs,
    tx: tx.hash,
    things: facts.named.map(({ thing }) => thing.name),
  }
  const findings = facts.named.flatMap((named) => {
    const others = countNamings(ctx, named.thing.name, tx.from)
    const severity = judge({
      isMixed,
      isFresh: nonce !== undefined,
      isBridged: funding?.kind === 'bridge',
      takesLoans,
      isHabit: others >= habitDeployers,
      by: named.by,
    })
    if (!severity) return []
    const { callbacks } = facts
    return [reportPreparation(ctx, { suspect, severity, named, callbacks, funding, nonce })]
  })
  const isSuspect = isMixed || (nonce !== undefined && takesLoans)
  if (isSuspect || findings.some(({ severity }) => severity !== 'Low')) noteSuspect(ctx, suspect)
  return findings
}

/** Contracts that the transaction itself made, by itself or by a factory that anybody may use. */
const creationOf = (tx: ChainTransaction): Creation | undefined => {
  const code = tx.input ?? '0x'
  if (tx.status !== 'success' || code.length < 10 || code.length > MAX_CODE) return undefined
  if (tx.to === null)
    return tx.contractAddress ? { tx, contract: tx.contractAddress, code } : undefined
  // The factory's contract is named by nothing; its caller stands for it.
  return FACTORIES.includes(tx.to) ? { tx, contract: tx.from, code } : undefined
}

/** Things change only when the bots are loaded anew. */
const targetsBy = new WeakMap<readonly PrepThing[], Targets>()
const targetsFor = (things: readonly PrepThing[]): Targets => {
  const known = targetsBy.get(things)
  if (known) return known
  const made = targetsOf(things.filter(({ kind }) => kind !== 'token' && kind !== 'label'))
  targetsBy.set(things, made)
  return made
}

const examine = (block: BotBlock, ctx: PrepContext): readonly Finding[] => {
  const findings: Finding[] = []
  const targets = targetsFor(ctx.things)
  for (const tx of block.transactions) {
    const creation = creationOf(tx)
    if (creation) findings.push(...examineCreation(ctx, creation, targets))
    noteFundings(ctx, tx)
  }
  return findings
}

/** Bots that tell of traffic, plans and standing conditions, and those that repeat what others found. */
const UNCOUNTED = [
  'activity',
  'gas-by-function',
  'utilisation',
  'silence',
  'timelock',
  'pause-watch',
]

const examineAlert = (alert: BotAlert, ctx: PrepContext, block: AlertBlock): readonly Finding[] => {
  const thing = ctx.things.find(({ name }) => name === alert.thing)
  const isOver = alert.condition === 'ended' || alert.condition === 'unknown'
  if (!thing || isOver || alert.txHash === null || UNCOUNTED.includes(alert.botId)) return []
  const tx = block.transaction(alert.txHash)
  if (!tx) return []
  const parties = [tx.from, tx.to, tx.contractAddress]
  const suspect = listSuspects(ctx).find(
    ({ deployer, contract }) => parties.includes(deployer) || parties.includes(contract),
  )
  if (!suspect) return []
  const key = `struck:${thing.name}:${suspect.contract}`
  const told = ctx.state.get<{ readonly atS: number; readonly severity: string }>(key)
  const finding = reportStrike(ctx, alert, thing, suspect, tx)
  const isTold =
    told !== undefined && (told.severity === 'Critical' || told.severity === finding.severity)
  if (isTold) return []
  for (const old of ctx.state.keys('struck:')) {
    const kept = ctx.state.get<{ readonly atS: number }>(old)
    if (kept && block.timestampS - kept.atS > ctx.parameters.windowS) ctx.state.delete(old)
  }
  ctx.state.set(key, { atS: block.timestampS, severity: finding.severity })
  return [finding]
}

/**
 * Contracts that strangers make for an attack, before it, and what these strangers then do. Only creations by
 * transactions of their own (and by common factories) are looked at: their init code is read once, in memory, and no
 * state of the chain at all. State: 512 funded addresses a day for three days, 64 suspects, of each thing 64 deployers
 * who named it, and what was told of each suspect within the span.
 */
export const attackerPreparation = defineBot({
  id: 'attacker-preparation',
  version: '1.0.0',
  summary:
    'A stranger, fresh or paid by a mixer, creates a contract that names what is watched or borrows for it; or acts on it.',
  parameters: attackerPreparationParameters,
  kinds: EVERY_KIND,
  alerts: [
    {
      id: 'ATTACK-PREPARED',
      title: 'A contract is made for an attack',
      kind: 'event',
      severity: 'High',
    },
    { id: 'PREPARED-ATTACK', title: 'A suspect acts', kind: 'event', severity: 'Critical' },
  ],
  needs: ({ labels, parameters }) => {
    const funders = fundersIn(labels, parameters)
    const topics = funders.map(addressTopic)
    return {
      creations: true,
      inputs: true,
      senders: funders,
      calls: FACTORIES.map((to) => ({ to })),
      logs: [
        { address: funders, topics: [MIXED] },
        ...(topics.length > 0 ? [{ topics: [TRANSFER, topics] }] : []),
      ],
      alerts: [{ minSeverity: 'Medium' }],
    }
  },
  handleBlock: examine,
  handleAlert: examineAlert,
})
