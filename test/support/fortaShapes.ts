import { CLOCK, TETHER } from './fortaScene.ts'

const FOUND = `const { Finding } = require('forta-agent')
const found = (alertId, value, metadata = {}) => Finding.fromObject({
  name: alertId, description: JSON.stringify(value), alertId, severity: 2, type: 2, metadata,
})
`

/** Keeps count in memory and beside its code, as bots do that must not forget over a restart. */
const STATEFUL = `${FOUND}
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const FILE = './state.json'
const TRANSFER = 'event Transfer(address indexed from, address indexed to, uint256 value)'
let state = { seen: 0, largest: {} }
const initialize = async () => { if (existsSync(FILE)) state = JSON.parse(readFileSync(FILE, 'utf8')) }
const handleTransaction = async (tx) => tx.filterLog(TRANSFER, '${TETHER}').flatMap(({ args }) => {
  state.seen++
  const before = state.largest[args.to] ?? '0'
  if (args.value.lte(before)) return []
  state.largest[args.to] = args.value.toString()
  return [found('STATEFUL', [state.seen, args.to, before, args.value.toString()])]
})
const handleBlock = async () => { writeFileSync(FILE, JSON.stringify(state)); return [] }
module.exports = { initialize, handleTransaction, handleBlock }
`

/** Reads call traces: creations, failures, delegate calls, how deep calls nest, and functions called inside. */
const TRACING = `${FOUND}
const handleTransaction = async (tx) => {
  const tree = tx.traces.map(({ type, action, result, error, traceAddress, subtraces }) => [
    type, action.callType ?? null, action.from ?? null, action.to ?? null, result?.address ?? null, error ?? null, traceAddress, subtraces,
  ])
  const deep = Math.max(0, ...tx.traces.map(({ traceAddress }) => traceAddress.length))
  const moved = tx.filterFunction('function transfer(address to, uint256 value)', '${TETHER}').map(({ args }) => args.value.toString())
  return tree.length > 1 || moved.length > 0 ? [found('TRACES', { tree, deep, moved })] : []
}
module.exports = { handleTransaction }
`

/** As typechain builds it: a factory with its ABI, an interface made once, a contract connected to the SDK's provider. */
const FACTORY = `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Erc20__factory = void 0;
const ethers_1 = require("ethers");
const _abi = [
  { type: "event", name: "Transfer", anonymous: false, inputs: [
    { indexed: true, internalType: "address", name: "from", type: "address" },
    { indexed: true, internalType: "address", name: "to", type: "address" },
    { indexed: false, internalType: "uint256", name: "value", type: "uint256" } ] },
  { type: "function", name: "balanceOf", stateMutability: "view",
    inputs: [{ internalType: "address", name: "", type: "address" }], outputs: [{ internalType: "uint256", name: "", type: "uint256" }] },
];
class Erc20__factory {
  static createInterface() { return new ethers_1.utils.Interface(_abi); }
  static connect(address, signerOrProvider) { return new ethers_1.Contract(address, _abi, signerOrProvider); }
}
Erc20__factory.abi = _abi;
exports.Erc20__factory = Erc20__factory;
`
const TYPECHAIN = `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const forta_agent_1 = require("forta-agent");
const erc20_1 = require("../generated/Erc20__factory");
const iface = erc20_1.Erc20__factory.createInterface();
const clock = erc20_1.Erc20__factory.connect("${CLOCK}", (0, forta_agent_1.getEthersProvider)());
exports.default = {
  handleTransaction: async (tx) => {
    const findings = [];
    for (const log of tx.logs) {
      if (log.topics[0] !== iface.getEventTopic("Transfer")) continue;
      const { args } = iface.parseLog(log);
      const balance = await clock.balanceOf(args.to, { blockTag: tx.blockNumber });
      findings.push(forta_agent_1.Finding.fromObject({
        name: "typed", description: balance.toString() + " " + args.value.toString(), alertId: "TYPED",
        severity: forta_agent_1.FindingSeverity.Low, type: forta_agent_1.FindingType.Info,
      }));
    }
    return findings;
  },
};
`

/** Reads receipts, and many values of the block before in one batch. */
const READING = `${FOUND}
const { getTransactionReceipt, getEthersProvider, getEthersBatchProvider, ethers } = require('forta-agent')
const provider = getEthersProvider()
const batch = getEthersBatchProvider()
const handleTransaction = async (tx) => {
  const { status, gasUsed, logs, contractAddress } = await getTransactionReceipt(tx.hash)
  return [found('RECEIPT', [status, gasUsed, logs.length, contractAddress, tx.gasPrice])]
}
const handleBlock = async ({ blockNumber }) => {
  const at = (blockTag) => batch.call({ to: '${CLOCK}', data: '0x12345678' }, blockTag)
  const [now, before, code, balance, nonce, storage] = await Promise.all([
    at(blockNumber), at(blockNumber - 1), batch.getCode('${CLOCK}', blockNumber),
    batch.getBalance(ethers.constants.AddressZero, blockNumber - 1),
    batch.getTransactionCount('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266', blockNumber),
    provider.getStorageAt('${CLOCK}', 0, blockNumber),
  ])
  const block = await provider.getBlock(blockNumber)
  return [found('HISTORY', [now, before, code, balance.toString(), nonce, storage, block.hash, block.transactions.length])]
}
module.exports = { handleTransaction, handleBlock }
`

/**
 * Reads in `process.argv` where its range begins, and keeps count in the store of the network, asked in the ways that
 * bots ask it: by HTTPS, by the SDK's own client, and by fetch.
 */
const KEEPING = `${FOUND}
const https = require('node:https')
const { dirname } = require('node:path')
const { fetchJwt } = require('forta-agent')
const axios = require(require.resolve('axios', { paths: [dirname(require.resolve('forta-agent'))] }))
const URL_OF = (key) => 'https://research.forta.network/database/bot/' + key
const start = process.argv.includes('--range') ? parseInt(process.argv[4]) : -1
const ask = (key) => new Promise((resolve, reject) => {
  https.get(URL_OF(key), (response) => {
    let text = ''
    response.on('data', (chunk) => { text += chunk })
    response.on('end', () => resolve([response.statusCode, text]))
  }).on('error', reject)
})
let count = 0
let first
const initialize = async () => {
  const headers = { Authorization: 'Bearer ' + await fetchJwt({}) }
  first = await ask('count-1')
  if (first[0] === 200) count = JSON.parse(first[1]).count
  const secret = await axios.get('https://research.forta.network/database/owner/secrets.json', { headers, validateStatus: () => true })
  first.push(secret.status, JSON.stringify(secret.data))
}
const handleBlock = async () => {
  count++
  const sent = await axios.post(URL_OF('count-1'), { count })
  const odd = await fetch(URL_OF('a%2Fb%20' + count), { method: 'POST', body: 'x'.repeat(200_000) })
  const read = await fetch(new Request(URL_OF('count-1')))
  const long = await fetch(URL_OF('a%2Fb%20' + count))
  return [found('KEEPING', [start, first, sent.status, odd.status, await read.json(), (await long.text()).length])]
}
module.exports = { initialize, handleBlock }
`

/** Several detectors behind one agent, as larger bots are put together. */
const TOGETHER = `const parts = ['./stateful', './tracing', './typechain', './reading', './keeping'].map((path) => require(path).default ?? require(path))
const all = (name) => async (event) => {
  const findings = []
  for (const part of parts) if (part[name]) findings.push(...(await part[name](event)))
  return findings
}
module.exports = { initialize: async () => { for (const part of parts) await part.initialize?.() }, handleBlock: all('handleBlock'), handleTransaction: all('handleTransaction') }
`

/** Bots in the shapes that public ones have, as files by their paths. */
export const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  stateful: { 'src/agent.js': STATEFUL },
  tracing: { 'src/agent.js': TRACING },
  typechain: { 'src/agent.js': TYPECHAIN, 'generated/Erc20__factory.js': FACTORY },
  reading: { 'src/agent.js': READING },
  keeping: { 'src/agent.js': KEEPING },
  together: {
    'src/agent.js': TOGETHER,
    'src/stateful.js': STATEFUL,
    'src/tracing.js': TRACING,
    'src/typechain.js': TYPECHAIN,
    'src/reading.js': READING,
    'src/keeping.js': KEEPING,
    'generated/Erc20__factory.js': FACTORY,
  },
}

/** A bot of the second SDK, in the words of its documentation. */
export const NEXT_BOT = `const { scanEthereum, scanPolygon, runHealthCheck, Finding, FindingSeverity, FindingType, getTransactionReceipt } = require('@fortanetwork/forta-bot')
const tell = (alertId, value, more = {}) => Finding.fromObject({
  name: alertId, description: JSON.stringify(value, (_, one) => typeof one === 'bigint' ? one.toString() : one), alertId,
  severity: FindingSeverity.Low, type: FindingType.Info, ...more,
})
const handleTransaction = async (tx, provider) => {
  const receipt = await getTransactionReceipt(tx.hash, provider, tx.chainId)
  const transfers = tx.filterLog('event Transfer(address indexed from, address indexed to, uint256 value)', '${TETHER}')
  return [tell('TX', { ...tx, chain: tx.chainId, status: receipt.status, transfers: transfers.map((log) => [log.name, ...log.args]) }, { source: { transactions: [{ hash: tx.hash, chainId: tx.chainId }] } })]
}
const handleBlock = async (event, provider) => [
  tell('BLOCK', { ...event.block, chain: event.chainId, clock: await provider.call({ to: '${CLOCK}', data: '0x', blockTag: event.blockNumber }) }),
]
async function main() {
  await new Promise((resolve) => setTimeout(resolve, 20))
  scanEthereum({ rpcUrl: 'https://eth.example.org/v1', rpcKeyId: 'key', localRpcUrl: '1', useTraceData: true, handleTransaction, handleBlock })
  scanPolygon({ rpcUrl: 'https://polygon.example.org/v1', handleBlock: async () => [tell('POLYGON', {})] })
  runHealthCheck(async () => ['a bit tired'])
}
main()
`
