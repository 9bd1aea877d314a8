import {
  type Address,
  type BotAlert,
  type BotContext,
  type BotThing,
  cleanText,
  type Hex,
} from 'tocsin'
import type { RugPullParameters } from './parameters.ts'

export type RugContext = BotContext<RugPullParameters>
export type RugThing = BotThing<RugPullParameters>

export type SignKind = 'liquidity' | 'mint' | 'sale' | 'no-sells' | 'control'

export type Sign = {
  readonly kind: SignKind
  readonly text: string
  readonly thing: string
  readonly tx: Hex | null
  readonly block: number
  readonly atS: number
  /** Of the finding that it comes from. */
  readonly finding?: string
}

/** At most one sign of each kind, the newest, for each token. */
export type Ledger = { readonly signs: readonly Sign[]; readonly toldS?: number }

const WORDS: Readonly<Record<SignKind, string>> = {
  liquidity: 'liquidity was pulled',
  mint: 'much was minted',
  sale: 'what was minted was sold',
  'no-sells': 'selling is switched off',
  control: 'renounced control was used',
}
export const wordsOf = (kind: SignKind): string => WORDS[kind]

/** What the signs are gathered under: the protocol, else the token. */
export const subjectOf = (thing: RugThing): string =>
  thing.protocol === undefined ? `thing:${thing.name}` : `protocol:${thing.protocol}`

/** Adds a sign; those of the span when they are enough and not told yet. */
export const addSign = (
  ctx: RugContext,
  subject: string,
  sign: Sign,
): readonly Sign[] | undefined => {
  const { windowS, signals } = ctx.parameters
  const key = `signs:${subject}`
  const ledger = ctx.state.get<Ledger>(key) ?? { signs: [] }
  const signs = [
    ...ledger.signs.filter(({ kind, atS }) => kind !== sign.kind && sign.atS - atS <= windowS),
    sign,
  ]
  const isTold = ledger.toldS !== undefined && sign.atS - ledger.toldS <= windowS
  const isEnough = signs.length >= signals
  const toldS = isEnough && !isTold ? sign.atS : ledger.toldS
  ctx.state.set(key, { signs, ...(toldS === undefined ? {} : { toldS }) } satisfies Ledger)
  return isEnough && !isTold ? signs : undefined
}

/** A mint that somebody may sell. */
export type Minted = {
  readonly holders: readonly Address[]
  readonly units: bigint
  readonly sold: bigint
  readonly atS: number
}
export const mintedKey = (token: Address): string => `minted:${token}`

const MINTS = ['SUPPLY-JUMP', 'SUPPLY-JUMP-WINDOW', 'MINT-UNBACKED', 'SILENT-MINT']
const PULLS = ['LIQUIDITY-PULL', 'LIQUIDITY-DRAIN']
const CONTROLS = [
  'OWNER-CHANGED',
  'ROLE-CHANGED',
  'PROXY-CHANGED',
  'PAUSE-CHANGED',
  'ADMIN-CALL',
  'ADMIN-SLOT-CHANGED',
]
/** Names of functions that stop people from selling. */
const SELL_STOPS = /tax|fee|black|deny|bot|trad|sell|maxtx|cooldown/i

const isGrave = ({ severity }: BotAlert): boolean => severity === 'High' || severity === 'Critical'

/** What another bot's finding says of a rug pull. `isInsider`: sent by who owns or owned the token. */
export const kindOf = (
  alert: BotAlert,
  facts: { readonly isInsider: boolean; readonly isRenounced: boolean; readonly isToken: boolean },
): SignKind | undefined => {
  const { botId, alertId } = alert
  if (botId === 'liquidity-pull' && PULLS.includes(alertId))
    return isGrave(alert) || facts.isInsider ? 'liquidity' : undefined
  if (!facts.isToken) return undefined
  if (botId === 'mint-anomaly' && MINTS.includes(alertId))
    return isGrave(alert) ? 'mint' : undefined
  if (botId === 'activity' && alertId === 'FUNCTION-FAILING') return 'no-sells'
  if (botId !== 'admin-call' || !CONTROLS.includes(alertId)) return undefined
  if (facts.isRenounced) return 'control'
  const call = `${alert.metadata['function'] ?? ''} ${alert.metadata['signature'] ?? ''}`
  const isStop = alertId === 'ADMIN-CALL' && SELL_STOPS.test(cleanText(call, 200))
  const isPause = alertId === 'PAUSE-CHANGED' && !/unpaus/i.test(alert.name)
  return isStop || isPause ? 'no-sells' : undefined
}
