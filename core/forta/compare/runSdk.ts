import { spawn } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findChildScript } from '../host/childScript.ts'
import type { BotPackage } from '../types.ts'
import { NEXT_ENTRY } from './nextEntry.ts'

export type SdkRun = {
  readonly exitCode: number | null
  /** Findings by block hash or transaction hash, as the SDK printed them. */
  readonly findings: readonly { readonly at: string; readonly finding: Record<string, unknown> }[]
  readonly stderr: string
  readonly seconds: number
}

export type SdkRunOptions = {
  readonly pack: BotPackage
  readonly from: number
  readonly to: number
  readonly chainId: number
  readonly rpcUrl: string
  readonly traces: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly limitMs: number
}

const HEADER =
  /^(\d+) findings for (?:block|transaction) (0x[0-9a-fA-F]{64}) (?:on chain \d+ )?(.*)$/

/** Findings as `forta-agent run` prints them: objects one after another with a comma between. */
const parseSdkOutput = (stdout: string): SdkRun['findings'] => {
  const found: { at: string; finding: Record<string, unknown> }[] = []
  const lines = stdout.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const [, count, at, first] = HEADER.exec(lines[index] ?? '') ?? []
    if (count === undefined || at === undefined || count === '0') continue
    let text = first ?? ''
    for (;;) {
      try {
        const list: unknown = JSON.parse(`[${text}]`)
        if (Array.isArray(list) && list.length === Number(count)) {
          for (const finding of list as readonly Record<string, unknown>[])
            found.push({ at: at.toLowerCase(), finding })
          break
        }
      } catch {
        // The rest stands on the lines below.
      }
      // What is no finding of the SDK prints nothing that could be read.
      const next = lines[index + 1]
      if (next === undefined || HEADER.test(next)) break
      index++
      text += `\n${next}`
    }
  }
  return found
}

/** The second SDK has its range in the environment, and the bot brings its own node: that is replaced. */
const nextCommand = async (
  { pack, from, to, chainId, rpcUrl }: SdkRunOptions,
  home: string,
): Promise<{ readonly args: readonly string[]; readonly environment: NodeJS.ProcessEnv }> => {
  const entry = join(home, 'entry.cjs')
  await writeFile(entry, NEXT_ENTRY)
  return {
    args: ['--require', entry, pack.agentPath],
    environment: {
      FORTA_CLI: 'true',
      FORTA_CLI_RANGE: `${from}..${to}`,
      FORTA_CLI_NO_CACHE: 'true',
      FORTA_CHAIN_ID: String(chainId),
      FORTA_ENV: 'development',
      TOCSIN_RPC_URL: rpcUrl,
    },
  }
}

/** Runs the bot by its own SDK's command line over a range, with a HOME of its own so that nothing is cached. */
export const runSdk = async (options: SdkRunOptions): Promise<SdkRun> => {
  const { pack } = options
  const home = await mkdtemp(join(tmpdir(), 'tocsin-forta-home-'))
  const began = performance.now()
  try {
    const config = join(home, 'forta.config.json')
    const own = await readFile(join(pack.dir, 'forta.config.json'), 'utf8').then(
      (text) => JSON.parse(text) as Record<string, unknown>,
      () => ({}),
    )
    await writeFile(
      config,
      JSON.stringify({
        agentId: `0x${'0'.repeat(64)}`,
        ...own,
        jsonRpcUrl: options.rpcUrl,
        traceRpcUrl: options.traces ? options.rpcUrl : '',
      }),
    )
    const { args, environment } =
      pack.generation === 2
        ? await nextCommand(options, home)
        : {
            environment: {},
            args: [
              join(pack.sdkDir, 'dist', 'cli', 'index.js'),
              'run',
              // First, as `npm run range` writes it: bots read it there.
              '--range',
              `${options.from}..${options.to}`,
              '--config',
              // It takes the path from the working directory, whatever it is.
              relative(await realpath(pack.dir), config),
              // SDKs of the first years have no such cache, and refuse the word.
              ...((await readFile(join(pack.sdkDir, 'dist', 'cli', 'index.js'), 'utf8')).includes(
                'nocache',
              )
                ? ['--nocache']
                : []),
            ],
          }
    const store = pathToFileURL(await findChildScript('preloadStore')).href
    const child = spawn(process.execPath, ['--import', store, ...args], {
      cwd: pack.dir,
      env: { ...options.environment, ...environment, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs)
    const stdout: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4_000)
    })
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    clearTimeout(limit)
    return {
      exitCode,
      stderr,
      findings: parseSdkOutput(Buffer.concat(stdout).toString('utf8')),
      seconds: (performance.now() - began) / 1_000,
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
