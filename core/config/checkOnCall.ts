import { type ConfigPath, entriesAt, itemsAt, type Located, nodeAt, textAt } from './located.ts'

type OnCallChecker = {
  readonly names: Readonly<Record<'owners' | 'channels' | 'things', readonly string[]>>
  readonly add: (path: ConfigPath, problem: string, mend: string, onKey?: boolean) => void
  readonly reference: (path: ConfigPath, known: readonly string[], one: string) => void
  readonly references: (path: ConfigPath, known: readonly string[], one: string) => void
  readonly botReferences: (path: ConfigPath) => void
}

/** Kinds of channels whose messages can go to one person's own address instead of the usual one. */
const ADDRESSABLE: ReadonlySet<string> = new Set(['email', 'twilio', 'telegram', 'slack'])

const checkContacts = (
  root: Located,
  { names, add, reference }: OnCallChecker,
  path: ConfigPath,
  node: Located,
): void => {
  for (const [index, contact] of itemsAt(node, ['contacts']).entries()) {
    const at: ConfigPath = [...path, 'contacts', index]
    if (contact.kind !== 'map') {
      reference(at, names.channels, 'channel')
      continue
    }
    reference([...at, 'channel'], names.channels, 'channel')
    const kind = textAt(root, ['channels', textAt(contact, ['channel']) ?? '', 'kind'])
    if (kind !== undefined && !ADDRESSABLE.has(kind))
      add(
        [...at, 'channel'],
        `a channel of kind ${kind} always goes to the same place`,
        'Give this person a channel of their own and name it without `to`.',
      )
  }
}

const checkPeople = (root: Located, checker: OnCallChecker): void => {
  const { add, reference } = checker
  const approvers = itemsAt(root, ['signer', 'approvers']).flatMap(
    (approver) => textAt(approver, ['name']) ?? [],
  )
  const accounts = new Map<string, string>()
  for (const [person, { node }] of entriesAt(root, ['onCall', 'people'])) {
    const path: ConfigPath = ['onCall', 'people', person]
    if (approvers.length > 0) reference([...path, 'approver'], approvers, 'approver')
    checkContacts(root, checker, path, node)
    for (const [account, { node: value }] of entriesAt(node, ['accounts'])) {
      const key = `${account} ${value.kind === 'scalar' ? String(value.value) : ''}`
      const other = accounts.get(key)
      if (other !== undefined)
        add(
          [...path, 'accounts', account],
          `this account is ${other}’s already`,
          'Each account is one person.',
        )
      accounts.set(key, person)
    }
  }
}

const checkTeams = (root: Located, checker: OnCallChecker, people: readonly string[]): void => {
  const { names, add, reference, references, botReferences } = checker
  const rotations = entriesAt(root, ['onCall', 'rotations']).map(([name]) => name)
  const teams = entriesAt(root, ['onCall', 'teams']).map(([name]) => name)
  if (nodeAt(root, ['onCall', 'teams']) && teams.length === 0)
    add(['onCall', 'teams'], 'there is no team', 'Name at least one.', true)
  for (const team of teams) {
    const path: ConfigPath = ['onCall', 'teams', team]
    reference([...path, 'primary'], rotations, 'rotation')
    reference([...path, 'secondary'], rotations, 'rotation')
    references([...path, 'lead'], people, 'person')
    reference([...path, 'channel'], names.channels, 'channel')
    references([...path, 'match', 'owner'], names.owners, 'owner')
    references([...path, 'match', 'thing'], names.things, 'thing')
    botReferences([...path, 'match', 'bot'])
  }
  reference(['onCall', 'fallback'], teams, 'team')
}

/** Whoever can be on call can be reached. */
const checkReach = (root: Located, { add }: OnCallChecker, people: readonly string[]): void => {
  const called = new Set<string>()
  const note = (path: ConfigPath): void => {
    for (const index of itemsAt(root, path).keys()) {
      const person = textAt(root, [...path, index])
      if (person !== undefined) called.add(person)
    }
  }
  for (const [team] of entriesAt(root, ['onCall', 'teams'])) note(['onCall', 'teams', team, 'lead'])
  for (const [rotation, { node }] of entriesAt(root, ['onCall', 'rotations'])) {
    const path: ConfigPath = ['onCall', 'rotations', rotation]
    note([...path, 'people'])
    for (const index of itemsAt(node, ['layers']).keys()) note([...path, 'layers', index, 'people'])
  }
  for (const person of people) {
    const path: ConfigPath = ['onCall', 'people', person]
    if (called.has(person) && itemsAt(root, [...path, 'contacts']).length === 0)
      add(path, 'nobody can page this person', 'Give `contacts`: at least one channel.', true)
  }
}

/** Who is on call: people, rotations, teams, channels and approvers that are named exist. */
export const checkOnCall = (root: Located, checker: OnCallChecker): void => {
  if (!nodeAt(root, ['onCall'])) return
  const people = entriesAt(root, ['onCall', 'people']).map(([name]) => name)
  checkPeople(root, checker)
  checkTeams(root, checker, people)
  checkReach(root, checker, people)
  for (const [rotation, { node }] of entriesAt(root, ['onCall', 'rotations'])) {
    const path: ConfigPath = ['onCall', 'rotations', rotation]
    checker.references([...path, 'people'], people, 'person')
    for (const index of itemsAt(node, ['layers']).keys())
      checker.references([...path, 'layers', index, 'people'], people, 'person')
  }
}
