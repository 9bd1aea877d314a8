import { SCAN_NAMES } from '../child/scanNames.ts'

/**
 * Loaded before a bot of the second SDK in a run to compare with. Its scans are the SDK's own and ask the node that is
 * given; of several chains only the one that is compared is scanned, and the end of its range is the end of the
 * process, which a health check or a timer of the bot would otherwise keep alive.
 */
export const NEXT_ENTRY = `
const { Module } = require('node:module')
const names = ${JSON.stringify(SCAN_NAMES)}
const chainId = Number(process.env.FORTA_CHAIN_ID)
const isNamed = Object.values(names).includes(chainId)
const load = Module._load
const seen = new Set()
let isTaken = false
const wrap = (scan) => async (options) => {
  if (isTaken) return new Promise(() => undefined)
  isTaken = true
  await scan({ ...options, rpcUrl: process.env.TOCSIN_RPC_URL, localRpcUrl: undefined, rpcHeaders: undefined })
  process.stdout.write('', () => process.exit(0))
}
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest)
  if (request !== '@fortanetwork/forta-bot' || seen.has(loaded)) return loaded
  seen.add(loaded)
  for (const name of Object.keys(names)) {
    const scan = loaded[name]
    loaded[name] = !isNamed || names[name] === chainId ? wrap(scan) : () => new Promise(() => undefined)
  }
  const create = loaded.createScanEvm
  loaded.createScanEvm = () => wrap(create())
  loaded.scanAlerts = () => new Promise(() => undefined)
  loaded.runHealthCheck = async () => undefined
  return loaded
}
`
