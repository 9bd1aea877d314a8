import { resolve } from 'node:path'
import { getAddress } from 'viem/utils'
import { checkDependencies, checkMaintenance } from './checkDependencies.ts'
import { checkForta } from './checkForta.ts'
import { checkOnCall } from './checkOnCall.ts'
import { checkSubscriptions } from './checkSubscriptions.ts'
import { checkVigil } from './checkVigil.ts'
import { type Fault, shown } from './fault.ts'
import { loadAbi } from './loadAbi.ts'
import {
  type ConfigPath,
  entriesAt,
  itemsAt,
  keyPlaceOf,
  type Located,
  nodeAt,
  pathText,
  placeOf,
  plainOf,
  textAt,
} from './located.ts'
import { suggestion, suggestName } from './suggestName.ts'

export type CrossCheckOptions = {
  /** Folder that relative paths start from. */
  readonly folder: string
  /** Ids of approved actions; not checked when left out. */
  readonly actions?: readonly string[] | undefined
  /** Ids of the bots at hand; without them every bot that the file lists counts as one. */
  readonly bots?: readonly string[] | undefined
}

type Checker = {
  readonly root: Located
  readonly names: Readonly<
    Record<'chains' | 'owners' | 'bots' | 'channels' | 'things', readonly string[]>
  >
  readonly add: (path: ConfigPath, problem: string, mend: string, onKey?: boolean) => void
  /** The name at a path must be one of `known`. */
  readonly reference: (path: ConfigPath, known: readonly string[], one: string) => void
  /** The same for each item of a list. */
  readonly references: (path: ConfigPath, known: readonly string[], one: string) => void
  /** A name of a bot, as key or value; findings about Tocsin itself need no bot. */
  readonly botReference: (path: ConfigPath, name: string | undefined, onKey?: boolean) => void
  /** The same for each item of a list. */
  readonly botReferences: (path: ConfigPath) => void
  readonly checksum: (path: ConfigPath) => void
}

/** Findings about Tocsin itself come under such names; no bot file stands behind them. */
const isSelf = (bot: string | undefined): boolean =>
  bot === 'tocsin' || (bot?.startsWith('tocsin-') ?? false)

/** The key under which a section stands: a misspelt one is a fault of its own, not of all that refer to it. */
const sectionKey = (root: Located, key: string): string => {
  if (nodeAt(root, [key])) return key
  const others = entriesAt(root, []).map(([name]) => name)
  return others.find((name) => suggestName(name, [key]) === key) ?? key
}

const namesIn = (root: Located, key: string): readonly string[] =>
  entriesAt(root, [sectionKey(root, key)]).map(([name]) => name)

/** Bots that are switched on, those under a misspelt name too. */
const botsIn = (root: Located, known: readonly string[] | undefined): readonly string[] =>
  namesIn(root, 'bots').flatMap((id) => {
    const meant = known && !known.includes(id) ? suggestName(id, known) : undefined
    return meant === undefined ? [id] : [id, meant]
  })

const createChecker = (
  root: Located,
  faults: Fault[],
  knownBots: readonly string[] | undefined,
): Checker => {
  const things = itemsAt(root, [sectionKey(root, 'watch')]).map((thing) => textAt(thing, ['name']))
  const hasChannels = nodeAt(root, [sectionKey(root, 'channels')]) !== undefined
  const names = {
    chains: namesIn(root, 'chains'),
    owners: namesIn(root, 'owners'),
    bots: [
      ...botsIn(root, knownBots),
      ...namesIn(root, 'forta'),
      // What comes in from outside is found by `external-` and the name of its receiver.
      ...entriesAt(root, ['intake', 'receivers']).map(([name]) => `external-${name}`),
    ],
    channels: hasChannels ? namesIn(root, 'channels') : ['console'],
    things: things.filter((name) => name !== undefined),
  }
  const add: Checker['add'] = (path, problem, mend, onKey = false) => {
    const at = onKey ? keyPlaceOf(root, path) : placeOf(root, path)
    faults.push({ ...at, path: pathText(root, path), problem, mend })
  }
  const reference: Checker['reference'] = (path, known, one) => {
    const name = textAt(root, path)
    if (name === undefined || known.includes(name)) return
    add(path, `there is no ${one} "${shown(name)}"`, suggestion(name, known, `${one}s`))
  }
  const references: Checker['references'] = (path, known, one) => {
    for (const index of itemsAt(root, path).keys()) reference([...path, index], known, one)
  }
  const botReference: Checker['botReference'] = (path, name, onKey = false) => {
    if (name === undefined || names.bots.includes(name)) return
    if (knownBots?.includes(name))
      add(
        path,
        `the bot "${name}" is not switched on`,
        `Write \`${name}: {}\` below \`bots\`.`,
        onKey,
      )
    else add(path, `there is no bot "${shown(name)}"`, suggestion(name, names.bots, 'bots'), onKey)
  }
  const botReferences: Checker['botReferences'] = (path) => {
    for (const index of itemsAt(root, path).keys()) {
      const name = textAt(root, [...path, index])
      if (!isSelf(name)) botReference([...path, index], name)
    }
  }
  const checksum: Checker['checksum'] = (path) => {
    const text = textAt(root, path)
    if (text === undefined || !/^0x[0-9a-fA-F]{40}$/.test(text)) return
    const digits = text.slice(2)
    if (digits === digits.toLowerCase() || digits === digits.toUpperCase()) return
    const right = getAddress(text.toLowerCase())
    if (right === text) return
    add(
      path,
      'the capitals of this address do not fit its digits (EIP-55 checksum)',
      `A digit may be wrong: compare with the source; if all are right, write ${right}.`,
    )
  }
  return { root, names, add, reference, references, botReference, botReferences, checksum }
}

const checkChains = ({ root, add, checksum }: Checker): void => {
  const ids = new Map<string, string>()
  for (const [name] of entriesAt(root, ['chains'])) {
    checksum(['chains', name, 'multicall3'])
    const path: ConfigPath = ['chains', name, 'id']
    const id = nodeAt(root, path)
    if (id?.kind !== 'scalar' || id.value === null) continue
    const other = ids.get(String(id.value))
    if (other === undefined) ids.set(String(id.value), name)
    else {
      const problem = `chain "${shown(other)}" has the id ${shown(id.value)} too`
      add(path, problem, 'Each chain stands here once.')
    }
  }
}

const checkDoubles = ({ root, add }: Checker): void => {
  const lineOf = new Map<string, number>()
  const nameOf = new Map<string, string>()
  for (const [index, thing] of itemsAt(root, ['watch']).entries()) {
    const path: ConfigPath = ['watch', index]
    const name = textAt(thing, ['name'])
    const line = name === undefined ? undefined : lineOf.get(name)
    if (line !== undefined)
      add(
        [...path, 'name'],
        `the name "${shown(name)}" stands in line ${line} already`,
        'Give each thing a name of its own.',
      )
    else if (name !== undefined) lineOf.set(name, placeOf(root, [...path, 'name']).line)
    const parts = ['chain', 'address', 'kind'].map((key) => textAt(thing, [key])?.toLowerCase())
    if (parts.includes(undefined)) continue
    // One PoolManager holds many pools.
    parts.push(textAt(thing, ['poolId'])?.toLowerCase() ?? '')
    const other = nameOf.get(parts.join(' '))
    if (other === undefined) nameOf.set(parts.join(' '), name ?? `entry ${index + 1}`)
    else
      add(
        [...path, 'address'],
        `"${shown(other)}" is the same ${shown(parts[2])} at the same address`,
        'Remove one of the two.',
      )
  }
}

/** A pool of Uniswap v4 is one of many at the same address. */
const checkPool = ({ add }: Checker, path: ConfigPath, thing: Located): void => {
  if (textAt(thing, ['kind']) !== 'pool') return
  const isV4 = textAt(thing, ['variant']) === 'uniswap-v4'
  const hasId = textAt(thing, ['poolId']) !== undefined
  if (isV4 && !hasId)
    add(
      [...path, 'variant'],
      'a pool of Uniswap v4 needs its id',
      'Give `poolId`: the PoolManager tells it in the event Initialize of the pool.',
    )
  if (!isV4 && hasId)
    add(
      [...path, 'poolId'],
      'only pools of Uniswap v4 have an id',
      'Remove it, or write `variant: uniswap-v4`.',
    )
}

const checkThing = (checker: Checker, index: number, thing: Located, folder: string): void => {
  const { names, add, reference, botReference, checksum } = checker
  const path: ConfigPath = ['watch', index]
  reference([...path, 'chain'], names.chains, 'chain')
  reference([...path, 'owner'], names.owners, 'owner')
  reference([...path, 'remote', 'chain'], names.chains, 'chain')
  for (const key of ['address', 'asset']) checksum([...path, key])
  checksum([...path, 'remote', 'address'])
  for (const token of itemsAt(thing, ['tokens']).keys()) checksum([...path, 'tokens', token])
  for (const [bot] of entriesAt(thing, ['bots'])) botReference([...path, 'bots', bot], bot, true)
  checkPool(checker, path, thing)
  const abi = textAt(thing, ['abi'])
  const answer = abi ? loadAbi(resolve(folder, abi)) : undefined
  if (answer?.ok === false) add([...path, 'abi'], answer.problem, answer.mend)
  for (const [address] of entriesAt(thing, ['implementations'])) {
    const file = textAt(thing, ['implementations', address])
    const found = file ? loadAbi(resolve(folder, file)) : undefined
    if (found?.ok === false) add([...path, 'implementations', address], found.problem, found.mend)
  }
}

/** Approvers: each name and each key once, and as many keys as signatures are asked for. */
const checkApprovers = ({ root, add, checksum }: Checker): void => {
  const path: ConfigPath = ['signer', 'approvers']
  const indexes = [...itemsAt(root, path).keys()]
  const texts = (field: string): readonly (string | undefined)[] =>
    indexes.map((index) =>
      textAt(root, [...path, index, field])
        ?.trim()
        .toLowerCase(),
    )
  const checkOnce = (field: string): void => {
    for (const [index, text] of texts(field).entries())
      if (text !== undefined && texts(field).indexOf(text) < index)
        add([...path, index, field], `this ${field} stands here already`, 'One entry per person.')
  }
  checkOnce('name')
  checkOnce('address')
  for (const index of indexes) checksum([...path, index, 'address'])
  const served = entriesAt(root, ['signer', 'rpc']).map(([chain]) => chain)
  for (const index of indexes) {
    const at: ConfigPath = [...path, index, 'chain']
    const chain = textAt(root, at)
    if (chain === undefined) continue
    if (!served.includes(chain))
      add(
        at,
        `the signer has no endpoint of "${shown(chain)}"`,
        suggestion(chain, served, 'chains'),
      )
    if (textAt(root, [...path, index, 'address']) === undefined)
      add(at, 'a contract without an address', 'Give its `address`.')
  }
  const keys = new Set(texts('address').filter((text) => text !== undefined)).size
  const node = nodeAt(root, ['signer', 'approvalsRequired'])
  if (node !== undefined && Number(plainOf(node)) > keys)
    add(
      ['signer', 'approvalsRequired'],
      `only ${keys} approvers have a key to sign with`,
      'Give more of `signer.approvers` an `address`, or ask for fewer signatures.',
    )
}

/** Chains of the signer's endpoints and senders, and where its key comes from. */
const checkSigner = ({ root, names, add }: Checker): void => {
  const unknown = (path: ConfigPath, chain: string, atKey: boolean): void => {
    if (names.chains.includes(chain)) return
    const problem = `there is no chain "${shown(chain)}"`
    add(path, problem, suggestion(chain, names.chains, 'chains'), atKey)
  }
  for (const part of ['rpc', 'privateRpc', 'tenderlyRpc'])
    for (const [chain] of entriesAt(root, ['signer', part]))
      unknown(['signer', part, chain], chain, true)
  for (const [sender] of entriesAt(root, ['signer', 'senders'])) {
    const path: ConfigPath = ['signer', 'senders', sender]
    const chain = textAt(root, [...path, 'chain'])
    if (chain !== undefined) unknown([...path, 'chain'], chain, false)
    if (sender === 'local')
      add(path, 'the name "local" means the signer itself', 'Give it another name.', true)
  }
  if (!nodeAt(root, ['signer'])) return
  const has = (key: string): boolean => nodeAt(root, ['signer', key]) !== undefined
  if (has('key') && (has('keystore') || has('password')))
    add(['signer', 'key'], 'there is a keystore too', 'Keep one of them.', true)
  else if (!has('key') && !(has('keystore') && has('password')))
    add(
      ['signer'],
      'it has no key',
      'Give `keystore` and `password`, or `key` for one in a vault.',
      true,
    )
}

const checkReactions = (checker: Checker, actions: readonly string[] | undefined): void => {
  const { root, names, reference, references, botReferences } = checker
  for (const index of itemsAt(root, ['routes']).keys()) {
    const path: ConfigPath = ['routes', index]
    references([...path, 'channels'], names.channels, 'channel')
    references([...path, 'match', 'owner'], names.owners, 'owner')
    references([...path, 'match', 'thing'], names.things, 'thing')
    botReferences([...path, 'match', 'bot'])
  }
  for (const index of itemsAt(root, ['answers']).keys()) {
    const path: ConfigPath = ['answers', index]
    references([...path, 'when', 'thing'], names.things, 'thing')
    botReferences([...path, 'when', 'bot'])
    if (actions) reference([...path, 'action'], actions, 'approved action')
  }
  checkSigner(checker)
  checkApprovers(checker)
}

/** What the schema cannot see: names that point nowhere, doubles, checksums, ABI files. Works on wrong files too. */
export const crossCheck = (root: Located, options: CrossCheckOptions): readonly Fault[] => {
  const faults: Fault[] = []
  const checker = createChecker(root, faults, options.bots)
  checkChains(checker)
  checkDoubles(checker)
  for (const [index, thing] of itemsAt(root, ['watch']).entries())
    checkThing(checker, index, thing, options.folder)
  for (const [name] of entriesAt(root, ['intake', 'receivers']))
    checker.reference(['intake', 'receivers', name, 'owner'], checker.names.owners, 'owner')
  checkReactions(checker, options.actions)
  checkForta(root, { ...options, ...checker, chains: checker.names.chains })
  checkOnCall(root, checker)
  checkDependencies(root, checker)
  checkMaintenance(root, checker)
  checkSubscriptions(root, checker)
  checkVigil(root, checker)
  return faults
}
