import { cleanText } from '../../base/index.ts'
import type { AlertChange, AlertMessage } from '../types.ts'
import { moneyOf } from './moneyOf.ts'

export type Fact = { readonly name: string; readonly value: string }
export type MessageLink = { readonly text: string; readonly url: string }

/** A message in words, for people; one line each, cleaned, not escaped for any format. */
export type Described = {
  /** `SEV1 opened: Vault drained (vault) on mainnet: 1.2M dUSD lost (42 %). pause-vault: sent`, at most 200 characters. */
  readonly headline: string
  /** Vault drained, at most 150 characters. */
  readonly title: string
  /** What happened, at most 1,000 characters. */
  readonly summary: string
  /** What is being done, where and who, then what the finding measured: at most 24. */
  readonly facts: readonly Fact[]
  /** Transactions, addresses, and the pages on which to approve or deny. */
  readonly links: readonly MessageLink[]
  /** What the receiver should do first; empty when nothing is known. */
  readonly runbook: string
}

const WORDS: Readonly<Record<AlertChange, string>> = {
  opened: 'opened',
  raised: 'is graver now',
  unknown: 'cannot be told now',
  resolved: 'resolved',
  retracted: 'taken back: its block is gone',
  reopened: 'is there again',
  digest: 'and more',
  repeated: 'is still open and nobody has it in hand',
  flapping: 'comes and goes',
  answered: 'is in hand',
}

/** Whether nothing is left to do about it, for whoever reads it. */
export const isOver = (message: AlertMessage): boolean =>
  message.change === 'resolved' || message.change === 'retracted' || message.change === 'answered'

const short = (text: string, max: number): string => cleanText(text, max)

const shortHash = (hash: string): string =>
  /^0x[0-9a-fA-F]{12,}$/.test(hash) ? `${hash.slice(0, 10)}…${hash.slice(-6)}` : short(hash, 40)

const isHex = (text: string, digits: number): boolean =>
  new RegExp(`^0x[0-9a-fA-F]{${digits}}$`).test(text)

const factsOf = (message: AlertMessage): readonly Fact[] => {
  const { blocks, chain } = message
  const range = blocks.first === blocks.last ? `${blocks.last}` : `${blocks.first}–${blocks.last}`
  const facts = [
    ...(message.doing ?? []).map(({ action, status, execution }) => ({
      name: `action ${action}`,
      value: `${status} (${execution.slice(0, 12)})`,
    })),
    { name: 'money', value: moneyOf(message.evidence) },
    { name: 'thing', value: message.thing ?? '' },
    { name: 'protocol', value: message.protocol ?? '' },
    { name: 'owner', value: message.owner ?? '' },
    { name: 'chain', value: `${chain.name} · block ${range}${message.final ? '' : ', not final'}` },
    { name: 'seen by', value: `${message.bot} ${message.alertId}` },
    { name: 'findings', value: message.findings > 1 ? String(message.findings) : '' },
    ...Object.entries(message.evidence).map(([name, value]) => ({ name, value })),
  ]
  return facts
    .map(({ name, value }) => ({ name: short(name, 60), value: short(value, 200) }))
    .filter(({ value }) => value !== '')
    .slice(0, 24)
}

const linksOf = (message: AlertMessage): readonly MessageLink[] => {
  const explorer = message.chain.explorer?.replace(/\/+$/, '')
  const answers = [
    ...(message.links
      ? [
          { text: 'Approve', url: message.links.approve },
          { text: 'Deny', url: message.links.deny },
        ]
      : []),
    ...(message.doing ?? []).flatMap(({ action, link }) =>
      link === null ? [] : [{ text: short(`Action ${action}`, 60), url: link }],
    ),
  ]
  if (!explorer) return answers
  return [
    ...answers,
    ...message.transactions
      .filter((hash) => isHex(hash, 64))
      .slice(0, 3)
      .map((hash) => ({ text: `tx ${shortHash(hash)}`, url: `${explorer}/tx/${hash}` })),
    ...message.addresses
      .filter((address) => isHex(address, 40))
      .slice(0, 3)
      .map((address) => ({
        text: short(message.labels?.[address.toLowerCase()] ?? shortHash(address), 60),
        url: `${explorer}/address/${address}`,
      })),
  ]
}

const HEADLINE_MAX = 200

/** What happened, to what, where, how much money it is about, and what is being done: what is read at three at night. */
const headlineOf = (message: AlertMessage, title: string): string => {
  const { severity, change, more, chain, doing } = message
  const what = short(title, 100)
  const known = message.thing === null || what.includes(message.thing)
  const thing = known ? '' : ` (${short(message.thing ?? '', 40)})`
  const word = change === 'digest' && more ? `${more.alerts} more alerts, first` : WORDS[change]
  const where = chain.id === 0 ? '' : ` on ${short(chain.name, 30)}`
  const money = isOver(message) ? '' : moneyOf(message.evidence)
  const [deed] = doing ?? []
  const rest = [
    ...(money ? [`: ${short(money, 60)}`] : []),
    ...(deed && !isOver(message) ? [`. ${short(deed.action, 40)}: ${short(deed.status, 20)}`] : []),
  ]
  return rest.reduce(
    (text, piece) => ([...`${text}${piece}`].length <= HEADLINE_MAX ? `${text}${piece}` : text),
    short(`${severity} ${word}: ${what}${thing}${where}`, HEADLINE_MAX),
  )
}

/** Puts a message into words. All text of strangers in it is bounded and cleaned. */
export const describeMessage = (message: AlertMessage): Described => {
  const title = short(message.title, 150)
  return {
    title,
    headline: headlineOf(message, title),
    summary: short(message.summary, 1_000),
    facts: factsOf(message),
    links: linksOf(message),
    runbook: short(message.runbook ?? '', 300),
  }
}

/** Escapes what begins marks, mentions and links in Slack, Telegram and HTML. */
export const escapeMarks = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Joins what fits into `max` characters, whole pieces only, the first ones first. */
export const joinWithin = (pieces: readonly string[], separator: string, max: number): string => {
  let text = ''
  for (const piece of pieces) {
    const next = text === '' ? piece : `${text}${separator}${piece}`
    if (next.length > max) break
    text = next
  }
  return text
}
