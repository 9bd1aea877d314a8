import { type ChainLog, decodeLog, type Hex, TocsinError, type WatchedThing } from 'tocsin'
import type { Abi, AbiEvent } from 'viem'
import { parseAbiItem, toEventSelector } from 'viem/utils'

export type Role = 'lock' | 'release'

/** What went into a bridge, or came out of it. What an event does not say is undefined. */
export type Passage = {
  readonly role: Role
  readonly event: string
  /** Shared by both sides. */
  readonly id: string | undefined
  readonly token: string | undefined
  readonly amount: bigint | undefined
  /** Lower case, the last 20 bytes. */
  readonly recipient: string | undefined
  /** Chain of origin, as the bridge calls it. */
  readonly domain: string | undefined
  readonly log: ChainLog
}

type Field = 'id' | 'token' | 'amount' | 'recipient' | 'domain'
export type Mapping = {
  readonly role: Role
  readonly item: AbiEvent
  readonly topic: Hex
  readonly fields: Readonly<Partial<Record<Field, string>>>
}

const eventOf = (signature: string): AbiEvent => {
  const item = parseAbiItem(`event ${signature}`)
  if (item.type !== 'event') throw new TypeError(`"${signature}" is no event`)
  return item
}

const map = (role: Role, signature: string, fields: Mapping['fields']): Mapping => {
  const item = eventOf(signature)
  return { role, item, topic: toEventSelector(item), fields }
}

/** Events that bridges are known by. Of two that tell of one passage only one stands here. */
const PRESETS: readonly Mapping[] = [
  // LayerZero OFT
  map(
    'lock',
    'OFTSent(bytes32 indexed guid, uint32 dstEid, address indexed fromAddress, uint256 amountSentLD, uint256 amountReceivedLD)',
    { id: 'guid', amount: 'amountReceivedLD' },
  ),
  map(
    'release',
    'OFTReceived(bytes32 indexed guid, uint32 srcEid, address indexed toAddress, uint256 amountReceivedLD)',
    { id: 'guid', amount: 'amountReceivedLD', recipient: 'toAddress', domain: 'srcEid' },
  ),
  // OP Stack: standard bridges since Bedrock, message passer, portal
  map(
    'lock',
    'ETHBridgeInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData)',
    { amount: 'amount', recipient: 'to' },
  ),
  map(
    'release',
    'ETHBridgeFinalized(address indexed from, address indexed to, uint256 amount, bytes extraData)',
    { amount: 'amount', recipient: 'to' },
  ),
  map(
    'lock',
    'ERC20BridgeInitiated(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData)',
    { token: 'remoteToken', amount: 'amount', recipient: 'to' },
  ),
  map(
    'release',
    'ERC20BridgeFinalized(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData)',
    { token: 'localToken', amount: 'amount', recipient: 'to' },
  ),
  map(
    'lock',
    'MessagePassed(uint256 indexed nonce, address indexed sender, address indexed target, uint256 value, uint256 gasLimit, bytes data, bytes32 withdrawalHash)',
    { id: 'withdrawalHash', amount: 'value' },
  ),
  map('release', 'WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success)', {
    id: 'withdrawalHash',
  }),
  // Nomad
  map(
    'lock',
    'Dispatch(bytes32 indexed messageHash, uint256 indexed leafIndex, uint64 indexed destinationAndNonce, bytes32 committedRoot, bytes message)',
    { id: 'messageHash' },
  ),
  map(
    'release',
    'Process(bytes32 indexed messageHash, bool indexed success, bytes indexed returnData)',
    { id: 'messageHash' },
  ),
  map(
    'lock',
    'Send(address indexed token, address indexed from, uint32 indexed toDomain, bytes32 toId, uint256 amount, bool fastLiquidityEnabled)',
    { amount: 'amount', recipient: 'toId' },
  ),
  map(
    'release',
    'Receive(uint64 indexed originAndNonce, address indexed token, address indexed recipient, address liquidityProvider, uint256 amount)',
    { amount: 'amount', recipient: 'recipient' },
  ),
  // Hyperlane
  map('lock', 'DispatchId(bytes32 indexed messageId)', { id: 'messageId' }),
  map('release', 'ProcessId(bytes32 indexed messageId)', { id: 'messageId' }),
]

const LOCK =
  /(initiated|sent|send|lock(ed)?|deposit(ed)?|burn(ed|t)?|bridgeout|outbound|dispatch(ed)?)$/i
const RELEASE =
  /(finali[sz]ed|received|receive|releas(e|ed)|unlock(ed)?|withdraw(n|al|als|ed)?|withdrew|mint(ed)?|claim(ed)?|redeem(ed)?|bridgein|inbound|process(ed)?)$/i
const NAMES: Readonly<Record<Field, RegExp>> = {
  id: /^(id|nonce|guid|hash|sequence|ticket|(message|deposit|transfer|withdrawal|request|tx|lock|burn|receipt|order|swap|bridge)_?(id|hash|nonce|index))$/i,
  token: /^((remote|dest(ination)?)token)$/i,
  amount: /^(amount|value|wad|quantity|tokenamount|amount(received)?ld)$/i,
  recipient: /^(to|recipient|receiver|toaddress|toid|destination|beneficiary)$/i,
  domain: /^((src|source|from|origin)_?(eid|chain|chainid|domain))$/i,
}

/** Which arguments of an event say what, by their usual names. */
const guess = (item: AbiEvent): Mapping['fields'] => {
  const found: Partial<Record<Field, string>> = {}
  for (const { name } of item.inputs) {
    const bare = name?.replace(/^_+/, '') ?? ''
    for (const [field, pattern] of Object.entries(NAMES) as [Field, RegExp][])
      if (name && found[field] === undefined && pattern.test(bare)) found[field] = name
  }
  return found
}

const fromAbi = (abi: Abi): readonly Mapping[] =>
  abi.flatMap((item): readonly Mapping[] => {
    if (item.type !== 'event') return []
    const role = LOCK.test(item.name) ? 'lock' : RELEASE.test(item.name) ? 'release' : undefined
    const fields = guess(item)
    const tells = fields.id !== undefined || (fields.amount !== undefined && fields.recipient)
    return role && tells ? [{ role, item, topic: toEventSelector(item), fields }] : []
  })

const declared = (thing: Extract<WatchedThing, { kind: 'bridge' }>): readonly Mapping[] => {
  const { events } = thing
  if (!events) return []
  return (['lock', 'release'] as const).flatMap((role) =>
    events[role].map(({ event, ...named }): Mapping => {
      try {
        const { item, topic } = map(role, event, {})
        const told = Object.entries(named).filter(([, name]) => name !== undefined)
        const missing = told.find(([, name]) => !item.inputs.some((input) => input.name === name))
        if (missing) throw new TypeError(`it has no argument "${missing[1]}"`)
        return { role, item, topic, fields: { ...guess(item), ...Object.fromEntries(told) } }
      } catch (cause) {
        throw new TocsinError(
          'bot.bad_signature',
          `"${event.slice(0, 80)}" of "${thing.name}" is not an event that the bot "bridge" can read.`,
          {
            cause,
            hints: [
              'Write types, `indexed` and names: `Locked(uint256 indexed nonce, address to, uint256 amount)`.',
            ],
            exitCode: 2,
          },
        )
      }
    }),
  )
}

/**
 * The events of a bridge: those that the watchlist names, else the usual ones, and of its ABI those whose names tell it.
 * @throws TocsinError `bot.bad_signature`
 */
export const listMappings = (
  thing: Pick<WatchedThing, 'kind' | 'name' | 'abi'>,
): readonly Mapping[] => {
  const own =
    thing.kind === 'bridge' ? declared(thing as Extract<WatchedThing, { kind: 'bridge' }>) : []
  if (own.length > 0) return own
  const known = new Set(PRESETS.map(({ topic }) => topic))
  const abi = thing.abi ?? []
  const speaksKnown = abi.some((item) => item.type === 'event' && known.has(toEventSelector(item)))
  return speaksKnown || abi.length === 0 ? PRESETS : [...fromAbi(abi), ...PRESETS]
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string'
    ? String(value).toLowerCase().slice(0, 80)
    : undefined
const addressOf = (value: unknown): string | undefined => {
  const text = textOf(value)
  return text?.startsWith('0x') && text.length >= 42 ? `0x${text.slice(-40)}` : undefined
}

/** What a log tells; undefined when it is none of the events. */
export const readPassage = (mappings: readonly Mapping[], log: ChainLog): Passage | undefined => {
  for (const { role, item, topic, fields } of mappings) {
    if (topic !== log.topics[0]) continue
    const args = decodeLog([item], log)?.args
    if (!args) continue
    const of = (field: Field): unknown => (fields[field] ? args[fields[field]] : undefined)
    const amount = of('amount')
    return {
      role,
      event: item.name,
      id: textOf(of('id')),
      token: addressOf(of('token')),
      amount: typeof amount === 'bigint' ? amount : undefined,
      recipient: addressOf(of('recipient')),
      domain: textOf(of('domain')),
      log,
    }
  }
  return undefined
}
