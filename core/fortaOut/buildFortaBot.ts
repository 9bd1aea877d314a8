import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Address, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { listLabels } from '../engine/light.ts'
import type { BotDefinition } from '../engine/types.ts'
import { bundleBot } from './bundleBot.ts'
import { findRefusals } from './findRefusals.ts'
import { encodePacked } from './packedJson.ts'
import type { PackedWatch } from './types.ts'
import { type ParameterText, writeDocumentation } from './writeDocumentation.ts'

export type BotSource = {
  readonly definition: BotDefinition<unknown>
  /** Path of its code. */
  readonly file: string
}
export type BuiltBot = {
  /** Absolute. */
  readonly dir: string
  readonly files: readonly string[]
  readonly chainIds: readonly number[]
  /** Of the program (bytes). */
  readonly size: number
}

const DOCKERFILE = `FROM node:20-alpine
ENV NODE_ENV=production
LABEL "network.forta.settings.agent-logs.enable"="true"
WORKDIR /app
COPY bot.mjs watch.json package.json ./
RUN mkdir state && chown node:node state
VOLUME /app/state
USER node
CMD [ "node", "bot.mjs" ]
`

/** What of the watchlist concerns these bots. */
export const packWatch = (
  config: Pick<Config, 'bots' | 'watch' | 'labels' | 'chains'>,
  bot: BotDefinition<unknown>,
  beside: readonly BotDefinition<unknown>[],
): PackedWatch => {
  const all = [bot, ...beside]
  const wants = (one: BotDefinition<unknown>, thing: Config['watch'][number]): boolean =>
    one.kinds.includes(thing.kind) && (one.accepts?.(thing) ?? true)
  const chains = config.chains.flatMap((chain): PackedWatch['chains'] => {
    const things = config.watch.filter((thing) => thing.chain === chain.name)
    if (!things.some((thing) => wants(bot, thing))) return []
    return [
      {
        id: chain.id,
        name: chain.name,
        traces: chain.traces,
        multicall3: chain.multicall3 as Address | 'none' | undefined,
        things: things.filter((thing) => all.some((one) => wants(one, thing))),
        labels: listLabels(config, chain.name),
      },
    ]
  })
  return {
    bot: bot.id,
    bots: Object.fromEntries(
      all.map(({ id }) => [
        id,
        { enabled: true as const, parameters: config.bots[id]?.parameters ?? {} },
      ]),
    ),
    chains,
  }
}

/**
 * Packs a bot as a bot of the Forta network: a folder with one program that serves it over gRPC, its part of the
 * watchlist, package.json, Dockerfile and README.md.
 * @throws TocsinError `forta_out.refused` naming what a scan node cannot give, `forta_out.bundle`
 */
export const buildFortaBot = async (options: {
  readonly bot: BotSource
  /** Bots whose findings it reads. Default: none. */
  readonly beside?: readonly BotSource[]
  readonly config: Pick<Config, 'bots' | 'watch' | 'labels' | 'chains'>
  readonly out: string
  readonly parameters: readonly ParameterText[]
}): Promise<BuiltBot> => {
  const { definition, file } = options.bot
  const beside = options.beside ?? []
  const watch = packWatch(
    options.config,
    definition,
    beside.map((one) => one.definition),
  )
  const refusals = await findRefusals({
    bot: definition,
    file,
    beside: beside.map((one) => one.definition),
    watch,
  })
  if (refusals.length > 0)
    throw new TocsinError(
      'forta_out.refused',
      `The bot ${definition.id} cannot be shipped to Forta: ${refusals.join('; ')}.`,
      { exitCode: 2 },
    )
  const dir = resolve(options.out)
  const code = await bundleBot([file, ...beside.map((one) => one.file)])
  // The compiled program has its runbooks where the sources lie.
  const runbook = [dirname(file), dirname(file).replace('/dist/bots/', '/bots/')]
    .map((folder) => join(folder, 'runbook.md'))
    .find((path) => existsSync(path))
  const chainIds = watch.chains.map(({ id }) => id)
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'bot.mjs': code,
    'watch.json': encodePacked(watch),
    Dockerfile: DOCKERFILE,
    '.dockerignore': '*\n!bot.mjs\n!watch.json\n!package.json\n',
    'README.md': writeDocumentation({
      bot: definition,
      watch,
      parameters: options.parameters,
      runbook: runbook === undefined ? '' : await readFile(runbook, 'utf8'),
    }),
    'package.json': `${JSON.stringify(
      {
        name: `tocsin-${definition.id}`,
        displayName: definition.id,
        version: definition.version,
        description: definition.summary,
        longDescription: `${definition.summary} Alerts: ${definition.alerts.map(({ id, title }) => `${id} (${title})`).join(', ')}.`,
        private: true,
        type: 'module',
        main: 'bot.mjs',
        chainIds,
        engines: { node: '>=20' },
        scripts: {
          start: 'node bot.mjs',
          'start:prod': 'node bot.mjs',
          publish: 'forta-agent publish',
        },
      },
      null,
      2,
    )}\n`,
  }
  await mkdir(dir, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content)
  return { dir, files: Object.keys(files), chainIds, size: code.length }
}
