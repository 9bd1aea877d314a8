import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EventMaker } from './buildEvents.ts'
import { groupByTransaction } from './groupByTransaction.ts'
import type { Agent, Handler, Sdk } from './loadAgent.ts'
import { isScanOf, SCAN_NAMES } from './scanNames.ts'

const NAME = '@fortanetwork/forta-bot'

type ScanOptions = {
  readonly handleBlock?: (event: unknown, provider: unknown) => unknown
  readonly handleTransaction?: (event: unknown, provider: unknown) => unknown
  readonly useTraceData?: boolean
}
type AlertOptions = { readonly subscriptions?: unknown; readonly handleAlert?: Handler }
type NextSdk = Record<string, unknown> & {
  readonly configureContainer: () => { readonly resolve: (name: string) => unknown }
  readonly createBlockEvent: (block: unknown, chainId: number) => unknown
  readonly createTransactionEvent: (...of: readonly unknown[]) => unknown
}
type GetProvider = (options: object) => Promise<unknown>

/** A bot of the second SDK as far as its `main` has made itself known. */
export type NextBot = {
  readonly agent: Agent
  readonly sdk: Sdk
  readonly makeEvents: EventMaker
}

/** `main` may ask for something before it begins to scan; its start as a whole is limited by the host. */
const LOOK_EVERY_MS = 5
/** What follows the first scan, such as its health check, follows at once. */
const SETTLE_MS = 50

const never = (): Promise<never> => new Promise(() => undefined)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Runs the `main` of a bot of the second SDK. Its scans do not poll: what they would run is kept, and gets the blocks
 * that the host sends, each once and in order; its provider asks the host's node, whatever its `rpcUrl`.
 * @throws Error when it asks for no scan of this chain
 */
export const loadNextBot = async (options: {
  readonly mainPath: string
  readonly chainId: number
  readonly rpcUrl: string
  /** Hears of the SDK before the bot does. */
  readonly onSdk: (sdk: Sdk) => void
}): Promise<NextBot> => {
  const { mainPath, chainId } = options
  const require = createRequire(mainPath)
  const file = require.resolve(NAME)
  const dir = file.slice(0, file.lastIndexOf(`${sep}dist${sep}`))
  const next = require(NAME) as NextSdk
  let scan: ScanOptions | undefined
  let alerts: AlertOptions | undefined
  let healthCheck: (() => unknown) | undefined
  let isScanning = false
  const take =
    (name: string) =>
    (asked: ScanOptions): Promise<never> => {
      isScanning = true
      if (isScanOf(name, chainId)) scan ??= asked
      return never()
    }
  for (const name of Object.keys(SCAN_NAMES)) next[name] = take(name)
  next['createScanEvm'] = () => (asked: ScanOptions) => {
    isScanning = true
    scan ??= asked
    return never()
  }
  next['scanAlerts'] = (asked: AlertOptions) => {
    isScanning = true
    alerts = asked
    return never()
  }
  next['runHealthCheck'] = async (check?: () => unknown) => {
    healthCheck = check
  }

  const { version } = require(join(dir, 'package.json')) as { readonly version: string }
  const sdk: Sdk = { require, dir, version }
  options.onSdk(sdk)
  if (mainPath.endsWith('.mjs')) await import(pathToFileURL(mainPath).href)
  else require(mainPath)
  while (!isScanning) await pause(LOOK_EVERY_MS)
  await pause(SETTLE_MS)
  if (!scan && !alerts) throw new Error(`it scans other chains than ${chainId}`)
  const { handleBlock, handleTransaction, useTraceData } = scan ?? {}
  const getProvider = next.configureContainer().resolve('getProvider') as GetProvider
  const provider = scan ? await getProvider({ rpcUrl: options.rpcUrl }) : undefined
  const { handleAlert, subscriptions } = alerts ?? {}
  return {
    sdk,
    agent: {
      ...(handleBlock ? { handleBlock: (event) => handleBlock(event, provider) } : {}),
      ...(handleTransaction
        ? { handleTransaction: (event) => handleTransaction(event, provider) }
        : {}),
      ...(handleAlert ? { handleAlert } : {}),
      ...(healthCheck ? { healthCheck } : {}),
      initialize: () => ({ alertConfig: { subscriptions } }),
    },
    makeEvents: ({ block, logs, traces }) => {
      const logsOf = groupByTransaction(logs)
      // As the SDK: who does not ask for traces gets none.
      const tracesOf = groupByTransaction(useTraceData === true ? (traces ?? []) : [])
      return {
        count: block.transactions.length,
        block: () => next.createBlockEvent(block, chainId),
        transaction: (index) => {
          const transaction = block.transactions[index]
          const hash = transaction?.hash.toLowerCase() ?? ''
          return next.createTransactionEvent(
            transaction,
            block,
            chainId,
            tracesOf.get(hash),
            logsOf.get(hash),
          )
        },
      }
    },
  }
}
