import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Abi } from 'viem'

export type IndexedByPonder = {
  readonly name: string
  readonly address: string
  readonly deployBlock: number
  readonly abi: Abi
}

export type PonderApp = {
  /** Command and arguments that run Ponder's own CLI on the app. */
  readonly command: (port: number, schema: string) => readonly string[]
  readonly dir: string
  readonly environment: NodeJS.ProcessEnv
  readonly stop: () => Promise<void>
}

const configSource = (
  chainId: number,
  rpcUrl: string,
  contracts: readonly IndexedByPonder[],
): string => `
import { createConfig } from 'ponder'
export const contracts = ${JSON.stringify(
  contracts.map(({ name, address, deployBlock, abi }) => ({
    name,
    address,
    startBlock: deployBlock,
    abi: abi.filter(({ type }) => type === 'event'),
  })),
)} as const
export default createConfig({
  ordering: 'multichain',
  chains: { local: { id: ${chainId}, rpc: '${rpcUrl}' } },
  contracts: Object.fromEntries(
    contracts.map(({ name, address, startBlock, abi }) => [name, { chain: 'local', address, startBlock, abi }]),
  ),
})
`

const schemaSource = `
import { onchainTable } from 'ponder'
export const event = onchainTable('event', (t) => ({
  id: t.text().primaryKey(),
  chainId: t.integer().notNull(),
  blockNumber: t.int8({ mode: 'number' }).notNull(),
  blockHash: t.hex().notNull(),
  timestamp: t.int8({ mode: 'number' }).notNull(),
  txHash: t.hex().notNull(),
  txIndex: t.integer().notNull(),
  logIndex: t.integer().notNull(),
  address: t.hex().notNull(),
  thing: t.text().notNull(),
  name: t.text(),
  args: t.jsonb(),
  topics: t.hex().array().notNull(),
  data: t.hex().notNull(),
  txFrom: t.hex().notNull(),
  txTo: t.hex(),
}))
`

const indexingSource = `
import { ponder } from 'ponder:registry'
import { event as table } from 'ponder:schema'
import { contracts } from '../ponder.config.ts'
const plain = (value) =>
  typeof value === 'bigint' ? value.toString()
  : Array.isArray(value) ? value.map(plain)
  : typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : value
for (const { name: thing, abi } of contracts)
  for (const { name } of abi)
    ponder.on(\`\${thing}:\${name}\`, async ({ event, context }) => {
      const { log, block, transaction } = event
      const chainId = context.chain.id
      await context.db.insert(table).values({
        id: \`\${chainId}-\${String(block.number).padStart(12, '0')}-\${String(log.logIndex).padStart(6, '0')}\`,
        chainId,
        blockNumber: Number(block.number),
        blockHash: block.hash,
        timestamp: Number(block.timestamp),
        txHash: transaction.hash,
        txIndex: transaction.transactionIndex,
        logIndex: log.logIndex,
        address: log.address,
        thing,
        name,
        args: plain(event.args),
        topics: log.topics.filter((topic) => topic !== null && topic !== undefined),
        data: log.data,
        txFrom: transaction.from,
        txTo: transaction.to,
      })
    })
`

const apiSource = `
import { Hono } from 'hono'
export default new Hono()
`

/** A Ponder app as its documentation teaches it: contracts with their ABIs, one table, one function that inserts. */
export const createPonderApp = async (options: {
  readonly chainId: number
  readonly rpcUrl: string
  readonly contracts: readonly IndexedByPonder[]
}): Promise<PonderApp> => {
  const esm = dirname(fileURLToPath(import.meta.resolve('ponder')))
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-ponder-'))
  await mkdir(join(dir, 'src', 'api'), { recursive: true })
  await symlink(join(esm, '..', '..', '..'), join(dir, 'node_modules'))
  const files: Readonly<Record<string, string>> = {
    'package.json': JSON.stringify({ name: 'baseline', type: 'module', private: true }),
    'ponder.config.ts': configSource(options.chainId, options.rpcUrl, options.contracts),
    'ponder.schema.ts': schemaSource,
    'src/index.ts': indexingSource,
    'src/api/index.ts': apiSource,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return {
    dir,
    command: (port, schema) => [
      process.execPath,
      join(esm, 'bin', 'ponder.js'),
      'start',
      '--schema',
      schema,
      '--hostname',
      '127.0.0.1',
      '--port',
      String(port),
      '--log-format',
      'json',
    ],
    environment: { ...process.env, PONDER_TELEMETRY_DISABLED: '1' },
    stop: () => rm(dir, { recursive: true, force: true }),
  }
}
