import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { z } from 'zod'
import { type Hex, messageOf } from '../../base/index.ts'
import type { KnownBot } from '../checkBots.ts'
import { explainIssue } from '../explainIssue.ts'
import { ConfigError, type Fault, shown } from '../fault.ts'
import { itemsAt, type Located, pathText, placeOf, plainOf } from '../located.ts'
import { readYamlFile } from '../readYamlFile.ts'
import { suggestion } from '../suggestName.ts'
import type { Config } from '../types.ts'
import { locateIncidentCsv } from './incidentCsv.ts'
import type { LabelledIncident } from './types.ts'

const MAX_BYTES = 1_000_000
const MAX_INCIDENTS = 10_000

const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'the hash of a transaction: 0x and 64 digits')
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`)
const block = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const names = z.array(z.string().min(1)).max(200).default([])

const fileSchema = z.strictObject({
  incidents: z
    .array(
      z
        .strictObject({
          name: z.string().min(1).max(200),
          chain: z.string(),
          from: block.optional(),
          to: block.optional(),
          loss: z.union([block, hash]).optional(),
          txs: z.array(hash).max(1_000).default([]),
          things: names,
          bots: names,
          alerts: names,
        })
        .refine((one) => one.from !== undefined || one.txs.length > 0, {
          path: ['from'],
          message: 'an incident needs `from`, or `txs`',
        })
        .refine((one) => one.to === undefined || one.from === undefined || one.to >= one.from, {
          path: ['to'],
          message: 'it must not lie before `from`',
        })
        .refine(
          (one) => typeof one.loss !== 'number' || one.from === undefined || one.loss >= one.from,
          { path: ['loss'], message: 'it must not lie before `from`' },
        ),
    )
    .min(1)
    .max(MAX_INCIDENTS),
})

type Read = { readonly root: Located | undefined; readonly faults: readonly Fault[] }

const readCsv = (path: string, file: string): Read => {
  const fault = (problem: string, mend: string): Read => ({
    root: undefined,
    faults: [{ file, line: 1, column: 1, path: '', problem, mend }],
  })
  try {
    if (statSync(path).size > MAX_BYTES)
      return fault('the file is larger than 1 MB', 'Split it: each run takes one.')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
    return locateIncidentCsv(text, file)
  } catch (error) {
    const text = messageOf(error)
    if (text.startsWith('ENOENT'))
      return fault('there is no such file', 'Name the file of incidents.')
    return fault(`it cannot be read (${shown(text)})`, 'It should be text in UTF-8.')
  }
}

const MENDS: Readonly<Record<string, string>> = {
  'Begin with `version: 1`.': 'Begin with `incidents:` and list them below.',
  'Name the watchlist with --config.': 'Name the file of incidents.',
}

export type ReadIncidentOptions = {
  readonly config: Pick<Config, 'chains' | 'watch'>
  readonly bots: readonly KnownBot[]
}

/**
 * Reads labelled incidents: YAML or JSON by the file's ending, anything else as CSV with a row of titles.
 * @throws ConfigError with every fault and its place: what does not fit, and chains, things, bots and alerts that do not exist
 */
export const readIncidentFile = (
  path: string,
  options: ReadIncidentOptions,
): readonly LabelledIncident[] => {
  const isYaml = ['.yaml', '.yml', '.json'].includes(extname(path).toLowerCase())
  const read = isYaml ? readYamlFile(path) : readCsv(path, path)
  const faults: Fault[] = read.faults.map((fault) => ({
    ...fault,
    mend: MENDS[fault.mend] ?? fault.mend,
  }))
  const { root } = read
  if (!root) throw new ConfigError(faults)
  const parsed = fileSchema.safeParse(plainOf(root))
  if (!parsed.success)
    for (const issue of parsed.error.issues.slice(0, 100))
      faults.push(...explainIssue(issue, { root, schema: fileSchema }))
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults)

  const { config, bots } = options
  const chains = config.chains.map(({ name }) => name)
  const botIds = bots.map(({ id }) => id)
  const items = itemsAt(root, ['incidents'])
  const incidents = parsed.data.incidents.map((one, index): LabelledIncident => {
    const item = items[index] ?? root
    const judge = (
      key: string,
      at: number | undefined,
      value: string,
      known: readonly string[],
    ) => {
      if (known.includes(value)) return
      const inner = at === undefined ? [key] : [key, at]
      faults.push({
        ...placeOf(item, inner),
        path: pathText(root, ['incidents', index, ...inner]),
        problem: `there is no ${key.replace(/s$/, '')} "${shown(value)}"`,
        mend: suggestion(value, known, at === undefined ? 'chains' : key),
      })
    }
    judge('chain', undefined, one.chain, chains)
    const things = config.watch
      .filter((thing) => thing.chain === one.chain)
      .map((thing) => thing.name)
    if (chains.includes(one.chain))
      for (const [at, thing] of one.things.entries()) judge('things', at, thing, things)
    for (const [at, id] of one.bots.entries()) judge('bots', at, id, botIds)
    const alerts = bots
      .filter(({ id }) => one.bots.length === 0 || one.bots.includes(id))
      .flatMap((bot) => bot.alerts?.map(({ id }) => id) ?? [])
    for (const [at, id] of one.alerts.entries()) judge('alerts', at, id, alerts)
    return {
      ...one,
      from: one.from,
      to: one.to,
      loss: one.loss,
      at: item.at,
      txsAt: one.txs.map((_, at) => placeOf(item, ['txs', at])),
      lossAt: placeOf(item, ['loss']),
    }
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return incidents
}
