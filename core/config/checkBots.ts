import type { z } from 'zod'
import { explainIssue } from './explainIssue.ts'
import { type Fault, shown } from './fault.ts'
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
import { mergeOverlay } from './mergeOverlay.ts'
import { unknownKeys } from './schemaShape.ts'
import { suggestion } from './suggestName.ts'
import type { ThingKind } from './types.ts'

/** What the configuration must know of a bot in order to judge what is written about it. */
export type KnownBot = {
  readonly id: string
  readonly kinds: readonly ThingKind[]
  readonly parameters: z.ZodType
  /** When given, `alertId` of routes and answers is judged too. */
  readonly alerts?: readonly { readonly id: string }[]
}

const parameterFaults = (bot: KnownBot, value: Located, prefix: string): readonly Fault[] => {
  const plain = plainOf(value)
  const outcome = bot.parameters.safeParse(plain)
  const issues = outcome.success ? [] : outcome.error.issues
  const explained = issues.flatMap((issue) =>
    explainIssue(issue, { root: value, schema: bot.parameters }),
  )
  const dropped = unknownKeys(bot.parameters, plain).map(({ path, known }): Fault => {
    const key = String(path[path.length - 1])
    return {
      ...keyPlaceOf(value, path),
      path: pathText(value, path),
      problem: `unknown key "${shown(key)}"`,
      mend: suggestion(key, known, 'parameters'),
    }
  })
  const said = new Set(explained.map((fault) => fault.path))
  return [...explained, ...dropped.filter((fault) => !said.has(fault.path))].map((fault) => ({
    ...fault,
    path: fault.path ? `${prefix}.${fault.path}` : prefix,
  }))
}

/** Judges bot ids, parameters (as merged for each thing), kinds and alert ids against the bots that exist. */
export const checkBots = (root: Located, known: readonly KnownBot[]): readonly Fault[] => {
  const faults: Fault[] = []
  const ids = known.map((bot) => bot.id)
  const byId = new Map(known.map((bot) => [bot.id, bot]))
  const empty = (at: Located['at']): Located => ({ kind: 'map', at, entries: new Map() })
  const places = new Set<string>()
  const placeKey = (fault: Fault): string =>
    `${fault.file}:${fault.line}:${fault.column}:${fault.problem}`

  for (const [id, entry] of entriesAt(root, ['bots'])) {
    const bot = byId.get(id)
    if (!bot) {
      const path: ConfigPath = ['bots', id]
      faults.push({
        ...entry.keyAt,
        path: pathText(root, path),
        problem: `there is no bot "${shown(id)}"`,
        mend: suggestion(id, ids, 'bots'),
      })
      continue
    }
    const own = nodeAt(entry.node, ['parameters']) ?? empty(entry.keyAt)
    if (own.kind !== 'map') continue
    for (const fault of parameterFaults(bot, own, `bots.${id}.parameters`)) {
      places.add(placeKey(fault))
      faults.push(fault)
    }
  }

  for (const [index, thing] of itemsAt(root, ['watch']).entries()) {
    const kind = textAt(thing, ['kind'])
    for (const [id, entry] of entriesAt(thing, ['bots'])) {
      const bot = byId.get(id)
      if (!bot || entry.node.kind !== 'map') continue
      const path: ConfigPath = ['watch', index, 'bots', id]
      const prefix = pathText(root, path)
      if (kind !== undefined && !bot.kinds.some((one) => one === kind))
        faults.push({
          ...entry.keyAt,
          path: prefix,
          problem: `the bot "${id}" does not look at things of kind "${shown(kind)}"`,
          mend: `It looks at: ${bot.kinds.join(', ')}.`,
        })
      const base = nodeAt(root, ['bots', id, 'parameters'])
      const merged = mergeOverlay(base?.kind === 'map' ? base : empty(entry.keyAt), entry.node)
      // A fault of the bot's own parameters was said there.
      faults.push(
        ...parameterFaults(bot, merged, prefix).filter((fault) => !places.has(placeKey(fault))),
      )
    }
  }

  const alertIds = (matcher: ConfigPath): void => {
    const bots = itemsAt(root, [...matcher, 'bot']).map((item) => byId.get(String(plainOf(item))))
    const alerts = bots.flatMap((bot) => bot?.alerts?.map((alert) => alert.id) ?? [])
    if (bots.length === 0 || bots.some((bot) => bot?.alerts === undefined)) return
    for (const [index, item] of itemsAt(root, [...matcher, 'alertId']).entries()) {
      const id = String(plainOf(item))
      if (alerts.includes(id)) continue
      const path: ConfigPath = [...matcher, 'alertId', index]
      faults.push({
        ...placeOf(root, path),
        path: pathText(root, path),
        problem: `none of these bots raises "${shown(id)}"`,
        mend: suggestion(id, alerts, 'alerts'),
      })
    }
  }
  for (const index of itemsAt(root, ['routes']).keys()) alertIds(['routes', index, 'match'])
  for (const index of itemsAt(root, ['answers']).keys()) alertIds(['answers', index, 'when'])
  return faults
}
