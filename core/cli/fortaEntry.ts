import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isMap, parseDocument, stringify } from 'yaml'
import { TocsinError } from '../base/index.ts'
import type { BotPackage } from '../forta/types.ts'
import { EXIT } from './exitCodes.ts'

/** What the watchlist says of a bot that is imported. */
export type FortaEntry = {
  readonly value: Readonly<Record<string, unknown>>
  /** What a person should look at, one sentence each. */
  readonly notes: readonly string[]
  readonly toYaml: (name: string) => string
}

const MOST_FILES = 2_000

/** The bot's own code, without its packages and tests. */
const readCode = (dir: string): string => {
  const texts: string[] = []
  const folders = [dir]
  for (let folder = folders.pop(); folder && texts.length < MOST_FILES; folder = folders.pop())
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!/^(node_modules|\.git|dist|coverage)$/.test(entry.name)) folders.push(path)
      } else if (/\.[cm]?[jt]s$/.test(entry.name) && !/\.(spec|test)\.[cm]?[jt]s$/.test(entry.name))
        texts.push(readFileSync(path, 'utf8'))
    }
  return texts.join('\n')
}

/** What the bot's code and package say about how it wants to be hosted. */
export const fortaEntry = async (pack: BotPackage, configFile: string): Promise<FortaEntry> => {
  const code = readCode(pack.dir)
  const usesTraces =
    pack.generation === 2
      ? /useTraceData/.test(code)
      : /\.traces\b|filterFunction|\.addresses\b|\btraces\s*[,}]/.test(code)
  const secrets = [
    ...new Set(
      [...code.matchAll(/process\.env(?:\.|\[['"])([A-Z][A-Z0-9_]*)/g)].flatMap(([, name]) =>
        name && !/^(FORTA_|JSON_RPC_|NODE_ENV$|HOME$|PATH$)/.test(name) ? [name] : [],
      ),
    ),
  ]
  const value = {
    dir: relative(dirname(configFile), pack.dir) || '.',
    ...(usesTraces ? {} : { traces: false }),
    ...(secrets.length > 0 ? { env: secrets } : {}),
  }
  const notes = [
    pack.chainIds.length > 0
      ? `It runs on the chains of the watchlist with id ${pack.chainIds.join(', ')}; \`chains\` narrows or replaces that.`
      : 'Its package.json names no chainIds: say `chains`.',
    ...(usesTraces ? [] : ['Its code reads no traces: it is given none, which saves time.']),
    ...(pack.generation === 2
      ? [
          'It is of the second SDK: its scans do not poll, they get the blocks of the watcher; its rpcUrl is not used.',
        ]
      : []),
    ...(/research\.forta\.network/.test(code)
      ? [
          'It keeps keys and values in the network’s store: here they lie in .forta-database/bot of its folder. Put secrets that it asks for into .forta-database/owner/secrets.json.',
        ]
      : []),
    ...(/fetchJwt/.test(code)
      ? [
          'It calls fetchJwt: outside production the SDK answers a constant, and its production service has a fixed host name that cannot be served here.',
        ]
      : []),
    ...(/handleAlert/.test(code)
      ? [
          'It reads alerts: it sees findings of this watchlist, by the names of its bots or by botId.',
        ]
      : []),
  ]
  return { value, notes, toYaml: (name) => stringify({ forta: { [name]: value } }) }
}

/** Adds a bot to the watchlist; comments and order of the file stay. @throws TocsinError `forta.duplicate` */
export const addFortaBot = async (file: string, name: string, entry: FortaEntry): Promise<void> => {
  const text = readFileSync(file, 'utf8')
  const document = parseDocument(text)
  const section = document.get('forta')
  if (isMap(section) && section.has(name))
    throw new TocsinError('forta.duplicate', `The watchlist has a bot "${name}" already.`, {
      exitCode: EXIT.invalid,
      hints: ['Say --name with another one.'],
    })
  if (!document.has('forta')) {
    writeFileSync(file, `${text.replace(/\n*$/, '\n')}${entry.toYaml(name)}`)
    return
  }
  document.setIn(['forta', name], document.createNode(entry.value))
  writeFileSync(file, document.toString({ lineWidth: 0 }))
}
