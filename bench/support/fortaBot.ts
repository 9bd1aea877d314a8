import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export type FortaBot = {
  readonly dir: string
  /** Command and arguments that run the SDK's own CLI. */
  readonly command: (...args: readonly string[]) => readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly stop: () => Promise<void>
}

/** A bot for the unmodified `forta-agent` CLI: one finding for every Transfer of `token` above `threshold`. */
const agentSource = (token: string, threshold: bigint): string => `
const { Finding, FindingSeverity, FindingType, ethers } = require('forta-agent')
const TRANSFER = 'event Transfer(address indexed from, address indexed to, uint256 value)'
const THRESHOLD = ethers.BigNumber.from('${threshold}')
const handleTransaction = async (txEvent) =>
  txEvent.filterLog(TRANSFER, '${token}').filter(({ args }) => args.value.gt(THRESHOLD)).map(({ args }) =>
    Finding.fromObject({
      name: 'Large transfer',
      description: args.value.toString() + ' units moved; traces ' + txEvent.traces.length,
      alertId: 'LARGE-TRANSFER',
      severity: FindingSeverity.Low,
      type: FindingType.Info,
      metadata: { from: args.from, to: args.to, value: args.value.toString() },
    }),
  )
module.exports = { handleTransaction }
`

/** Writes the bot into a folder of its own, with the SDK beside it and a HOME of its own (the SDK caches there). */
export const createFortaBot = async (options: {
  readonly rpcUrl: string
  readonly chainId: number
  readonly token: string
  readonly threshold: bigint
  readonly traces: boolean
}): Promise<FortaBot> => {
  const require = createRequire(import.meta.url)
  const sdk = dirname(require.resolve('forta-agent/package.json'))
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-forta-'))
  await mkdir(join(dir, 'src'))
  await symlink(dirname(sdk), join(dir, 'node_modules'))
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({
      name: 'baseline',
      version: '0.0.1',
      main: 'src/agent.js',
      chainIds: [options.chainId],
    }),
  )
  await writeFile(join(dir, 'src', 'agent.js'), agentSource(options.token, options.threshold))
  await writeFile(
    join(dir, 'forta.config.json'),
    JSON.stringify({
      jsonRpcUrl: options.rpcUrl,
      traceRpcUrl: options.traces ? options.rpcUrl : '',
      agentId: `0x${'0'.repeat(64)}`,
    }),
  )
  return {
    dir,
    command: (...args) => [
      process.execPath,
      join(sdk, 'dist', 'cli', 'index.js'),
      'run',
      '--config',
      'forta.config.json',
      '--nocache',
      ...args,
    ],
    environment: { ...process.env, HOME: dir, NODE_ENV: 'development' },
    stop: () => rm(dir, { recursive: true, force: true }),
  }
}
