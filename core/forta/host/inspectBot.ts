import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve, sep } from 'node:path'
import { TocsinError } from '../../base/index.ts'
import type { BotPackage } from '../types.ts'

const wrong = (dir: string, problem: string, ...hints: readonly string[]): TocsinError =>
  new TocsinError('forta.no_bot', `The bot in ${dir} cannot be run: ${problem}.`, {
    hints,
    exitCode: 2,
  })

/** JSON with comments and trailing commas, as tsconfig.json is written. */
const parseLoose = (text: string): unknown =>
  JSON.parse(
    text
      .replace(/("(?:\\.|[^"\\])*")|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (_, kept?: string) => kept ?? '')
      .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, kept?: string) => kept ?? ''),
  )

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const readRecord = (path: string): Record<string, unknown> => {
  const parsed = parseLoose(readFileSync(path, 'utf8'))
  return isRecord(parsed) ? parsed : {}
}

const outDirOf = (dir: string): string => {
  const { compilerOptions } = readRecord(join(dir, 'tsconfig.json'))
  const outDir = isRecord(compilerOptions) ? compilerOptions['outDir'] : undefined
  return typeof outDir === 'string' ? outDir : 'dist'
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

type AgentPlace = Pick<BotPackage, 'agentPath' | 'language'>

/** Where the SDK's own command line looks for the agent. */
const findAgent = (dir: string): AgentPlace => {
  const source = join(dir, 'src', 'agent')
  if (existsSync(`${source}.ts`))
    return { language: 'typescript', agentPath: resolve(dir, outDirOf(dir), 'agent.js') }
  if (existsSync(`${source}.py`))
    throw wrong(
      dir,
      'it is written in Python',
      'Bots in other languages are reached over gRPC, as a running process.',
    )
  return { language: 'javascript', agentPath: `${source}.js` }
}

const NEXT = '@fortanetwork/forta-bot'

const SDKS = { 1: 'forta-agent', 2: NEXT } as const

const generationOf = (pack: Record<string, unknown>): 1 | 2 => {
  const names = [pack['dependencies'], pack['devDependencies']].flatMap((one) =>
    isRecord(one) ? Object.keys(one) : [],
  )
  return names.includes(NEXT) && !names.includes(SDKS[1]) ? 2 : 1
}

/** Where the `main` of a bot of the second SDK lies: the SDK itself does not say. */
const findMain = (dir: string, pack: Record<string, unknown>): AgentPlace => {
  const scripts = isRecord(pack['scripts']) ? pack['scripts'] : {}
  const started = ['start:prod', 'start'].flatMap((name) => {
    const [, file] = /\bnode\s+(?:-\S+\s+)*(\S+\.[cm]?js)\b/.exec(text(scripts[name])) ?? []
    return file ? [file] : []
  })
  const isTypeScript = existsSync(join(dir, 'tsconfig.json'))
  const outDir = isTypeScript ? outDirOf(dir) : 'dist'
  const tried = [
    ...started,
    ...(/\.[cm]?js$/.test(text(pack['main'])) ? [text(pack['main'])] : []),
    ...['main.js', 'src/main.js', 'index.js', 'src/index.js', 'bot.js', 'agent.js'].map((file) =>
      join(outDir, file),
    ),
    ...['main', 'index', 'bot', 'agent'].map((name) => join('src', `${name}.js`)),
  ]
  const found = tried.find((file) => existsSync(join(dir, file)))
  if (found === undefined)
    throw wrong(
      dir,
      `its main module is not found (${tried.slice(0, 4).join(', ')}, …)`,
      ...(isTypeScript ? [`Build it first: \`npm run build\` in ${dir}.`] : []),
      'Name it as `main` in package.json.',
    )
  return {
    language: isTypeScript ? 'typescript' : 'javascript',
    agentPath: resolve(dir, found),
  }
}

const findSdk = (
  dir: string,
  agentPath: string,
  generation: 1 | 2,
): Pick<BotPackage, 'sdkDir' | 'sdkVersion'> => {
  const require = createRequire(agentPath)
  const name = SDKS[generation]
  let main: string
  try {
    main = require.resolve(name)
  } catch {
    throw wrong(dir, `its SDK ${name} is not installed`, `Run \`npm ci\` in ${dir}.`)
  }
  const sdkDir = main.slice(0, main.lastIndexOf(`${sep}dist${sep}`))
  return { sdkDir, sdkVersion: text(readRecord(join(sdkDir, 'package.json'))['version']) }
}

/**
 * Looks at the directory of a bot; nothing of the bot is run.
 * @throws TocsinError `forta.no_bot` when it cannot be run, with what to do
 */
export const inspectBot = (folder: string): BotPackage => {
  const dir = resolve(folder)
  const packageFile = join(dir, 'package.json')
  if (!existsSync(packageFile))
    throw wrong(dir, 'it has no package.json', 'Name the folder that holds the bot’s package.json.')
  let pack: Record<string, unknown>
  let generation: 1 | 2
  let agent: AgentPlace
  try {
    pack = readRecord(packageFile)
    generation = generationOf(pack)
    agent = generation === 2 ? findMain(dir, pack) : findAgent(dir)
  } catch (error) {
    if (error instanceof TocsinError) throw error
    throw wrong(dir, `a file of its settings is no JSON (${String(error).slice(0, 120)})`)
  }
  if (!existsSync(agent.agentPath))
    throw wrong(
      dir,
      `there is no ${agent.agentPath.slice(dirname(dir).length + 1)}`,
      agent.language === 'typescript'
        ? `Build it first: \`npm run build\` in ${dir}.`
        : 'The handlers of a bot lie in src/agent.js.',
    )
  const chainIds = Array.isArray(pack['chainIds'])
    ? pack['chainIds'].map(Number).filter((id) => Number.isSafeInteger(id) && id > 0)
    : []
  return {
    dir,
    name: text(pack['name']) || 'bot',
    version: text(pack['version']) || '0.0.0',
    description: text(pack['description']),
    chainIds,
    ...agent,
    generation,
    ...findSdk(dir, agent.agentPath, generation),
  }
}
