import { resolve } from 'node:path'
import { getAddress } from 'viem'
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
  textAt,
} from './located.ts'
import { suggestion } from './suggestName.ts'

export type CrossCheckOptions = {
  /** Folder that relative paths start from. */
  readonly folder: string
  /** Ids of approved actions; not checked when left out. */
  readonly actions?: readonly string[] | undefined
}

/** Findings about Tocsin itself come under such names; no bot file stands behind them. */
const isSelf = (bot: string): boolean => bot === 'tocsin' || bot.startsWith('tocsin-')

const namesIn = (root: Located, key: string): readonly string[] =>
  entriesAt(root, [key]).map(([name]) => name)

/** What the schema cannot see: names that point nowhere, doubles, checksums, ABI files. Works on wrong files too. */
export const crossCheck = (root: Located, options: CrossCheckOptions): readonly Fault[] => {
  const faults: Fault[] = []
  const add = (path: ConfigPath, problem: string, mend: string, onKey = false): void => {
    const at = onKey ? keyPlaceOf(root, path) : placeOf(root, path)
    faults.push({ ...at, path: pathText(root, path), problem, mend })
  }
  const things = itemsAt(root, ['watch'])
  const chains = namesIn(root, 'chains')
  const owners = namesIn(root, 'owners')
  const bots = namesIn(root, 'bots')
  const channels = nodeAt(root, ['channels']) ? namesIn(root, 'channels') : ['console']
  const thingNames = things
    .map((thing) => textAt(thing, ['name']))
    .filter((name) => name !== undefined)

  const reference = (
    path: ConfigPath,
    known: readonly string[],
    one: string,
    many: string,
  ): void => {
    const name = textAt(root, path)
    if (name === undefined || known.includes(name)) return
    add(path, `there is no ${one} "${shown(name)}"`, suggestion(name, known, many))
  }
  const references = (
    path: ConfigPath,
    known: readonly string[],
    one: string,
    many: string,
  ): void => {
    for (const index of itemsAt(root, path).keys()) reference([...path, index], known, one, many)
  }
  const botReferences = (path: ConfigPath): void => {
    for (const [index, item] of itemsAt(root, path).entries()) {
      const name = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined
      if (name !== undefined && !isSelf(name)) reference([...path, index], bots, 'bot', 'bots')
    }
  }
  const checksum = (path: ConfigPath): void => {
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

  const ids = new Map<string, string>()
  for (const [name] of entriesAt(root, ['chains'])) {
    const path: ConfigPath = ['chains', name, 'id']
    const id = nodeAt(root, path)
    if (id?.kind === 'scalar' && id.value !== null) {
      const other = ids.get(String(id.value))
      if (other === undefined) ids.set(String(id.value), name)
      else
        add(
          path,
          `chain "${shown(other)}" has the id ${shown(id.value)} too`,
          'Each chain stands here once.',
        )
    }
    checksum(['chains', name, 'multicall3'])
  }

  const seenNames = new Map<string, number>()
  const seenPlaces = new Map<string, string>()
  for (const [index, thing] of things.entries()) {
    const path: ConfigPath = ['watch', index]
    const name = textAt(thing, ['name'])
    if (name !== undefined) {
      const line = seenNames.get(name)
      if (line === undefined) seenNames.set(name, placeOf(root, [...path, 'name']).line)
      else
        add(
          [...path, 'name'],
          `the name "${shown(name)}" stands in line ${line} already`,
          'Give each thing a name of its own.',
        )
    }
    const [chain, address, kind] = ['chain', 'address', 'kind'].map((key) => textAt(thing, [key]))
    if (chain !== undefined && address !== undefined && kind !== undefined) {
      const key = `${chain} ${address.toLowerCase()} ${kind}`
      const other = seenPlaces.get(key)
      if (other === undefined) seenPlaces.set(key, name ?? `entry ${index + 1}`)
      else
        add(
          [...path, 'address'],
          `"${shown(other)}" is the same ${shown(kind)} at the same address`,
          'Remove one of the two.',
        )
    }
    reference([...path, 'chain'], chains, 'chain', 'chains')
    reference([...path, 'owner'], owners, 'owner', 'owners')
    reference([...path, 'remote', 'chain'], chains, 'chain', 'chains')
    for (const key of ['address', 'asset']) checksum([...path, key])
    checksum([...path, 'remote', 'address'])
    for (const token of itemsAt(thing, ['tokens']).keys()) checksum([...path, 'tokens', token])
    for (const [bot] of entriesAt(thing, ['bots']))
      if (!bots.includes(bot))
        add(
          [...path, 'bots', bot],
          `there is no bot "${shown(bot)}"`,
          suggestion(bot, bots, 'bots'),
          true,
        )
    const abi = textAt(thing, ['abi'])
    const answer =
      abi === undefined || abi === '' ? undefined : loadAbi(resolve(options.folder, abi))
    if (answer?.ok === false) add([...path, 'abi'], answer.problem, answer.mend)
  }

  for (const index of itemsAt(root, ['routes']).keys()) {
    const path: ConfigPath = ['routes', index]
    references([...path, 'channels'], channels, 'channel', 'channels')
    references([...path, 'match', 'owner'], owners, 'owner', 'owners')
    references([...path, 'match', 'thing'], thingNames, 'thing', 'things')
    botReferences([...path, 'match', 'bot'])
  }
  for (const index of itemsAt(root, ['answers']).keys()) {
    const path: ConfigPath = ['answers', index]
    references([...path, 'when', 'thing'], thingNames, 'thing', 'things')
    botReferences([...path, 'when', 'bot'])
    if (options.actions)
      reference([...path, 'action'], options.actions, 'approved action', 'approved actions')
  }
  for (const [chain] of entriesAt(root, ['signer', 'rpc']))
    if (!chains.includes(chain))
      add(
        ['signer', 'rpc', chain],
        `there is no chain "${shown(chain)}"`,
        suggestion(chain, chains, 'chains'),
        true,
      )
  return faults
}
