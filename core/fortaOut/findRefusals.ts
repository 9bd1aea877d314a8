import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { BotDefinition } from '../engine/types.ts'
import { bindPacked } from './createAgent.ts'
import type { PackedWatch } from './types.ts'

/** The bot's own code, without its tests. */
const readCode = async (file: string): Promise<string> => {
  // A loose file shares its folder with other bots.
  if (!/^bot\.[mc]?[tj]s$/.test(basename(file))) return readFile(file, 'utf8')
  const folder = dirname(file)
  const names = (await readdir(folder)).filter(
    (name) => /^\.[mc]?[tj]s$/.test(extname(name)) && !/\.(test|d)\.[mc]?[tj]s$/.test(name),
  )
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.join('\n')
}

/**
 * What a bot needs that a scan node cannot give, one sentence each with the name of the need; none where it can be
 * shipped.
 */
export const findRefusals = async (options: {
  readonly bot: BotDefinition<unknown>
  readonly file: string
  /** Bots that are packed with it, whose findings it may read. */
  readonly beside: readonly BotDefinition<unknown>[]
  readonly watch: PackedWatch
}): Promise<readonly string[]> => {
  const { bot, beside, watch } = options
  const refusals: string[] = []
  const bound = watch.chains.flatMap((chain) =>
    bindPacked(watch, chain, [bot]).map((one) => ({ chain, one })),
  )
  if (bot.hosted) refusals.push('hosted: it is a program of others that Tocsin hosts')
  if (bound.length === 0)
    refusals.push(`watch: nothing that it looks at (${bot.kinds.join(', ')}) is in the watchlist`)
  const code = await readCode(options.file)
  if (/\.remote\s*\(/.test(code))
    refusals.push(
      'remote: it looks at two chains at once, and a scan node runs each bot on one chain',
    )
  for (const { chain, one } of bound) {
    const needs = bot.needs({
      chain,
      labels: chain.labels,
      parameters: one.parameters,
      things: one.things,
    })
    for (const { source = 'bot', botIds } of needs.alerts ?? []) {
      if (source === 'external')
        refusals.push('alerts: it reads findings from outside, and a scan node has none')
      else if (beside.length === 0)
        refusals.push(
          `alerts: it reads findings of ${botIds?.join(', ') ?? 'other bots'} in the same block, and a scan node hands on alerts later, if at all; pack those bots with it (--with)`,
        )
    }
    if (needs.traces && chain.traces === 'none')
      refusals.push(`traces: the watchlist says that ${chain.name} gives none`)
  }
  return [...new Set(refusals)]
}
