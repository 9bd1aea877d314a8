import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Abi, parseAbi, toFunctionSelector } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Anvil, startAnvil } from '../../testing/index.ts'
import { loadConfig } from '../index.ts'
import { fitAbi } from './fitAbi.ts'
import { type ProbeReport, probeWatchlist } from './probeWatchlist.ts'

const require = createRequire(import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'tocsin-probe-'))
const servers: Server[] = []
let anvil: Anvil

const source = `
contract Token {
  function decimals() external pure returns (uint8) { return 6; }
  function totalSupply() external pure returns (uint256) { return 1; }
  function setFee(uint256) external {}
}
contract Vault {
  function asset() external pure returns (address) { return address(0xaa); }
  function totalAssets() external pure returns (uint256) { return 1; }
}
contract Oracle {
  function decimals() external pure returns (uint8) { return 8; }
  function latestRoundData() external pure returns (uint80, int256, uint256, uint256, uint80) { return (1, 2, 3, 4, 5); }
}
contract Governor {
  function votingDelay() external pure returns (uint256) { return 1; }
  function votingPeriod() external pure returns (uint256) { return 1; }
}
contract Timelock { function getMinDelay() external pure returns (uint256) { return 1; } }
contract Safe { function getThreshold() external pure returns (uint256) { return 2; } }
contract Market { function ADDRESSES_PROVIDER() external pure returns (address) { return address(1); } }
contract Silent { fallback() external {} }
contract Proxy {
  fallback() external payable {
    assembly {
      let to := sload(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc)
      calldatacopy(0, 0, calldatasize())
      let ok := delegatecall(gas(), to, 0, calldatasize(), 0, 0)
      returndatacopy(0, 0, returndatasize())
      if iszero(ok) { revert(0, returndatasize()) }
      return(0, returndatasize())
    }
  }
}
`

const compile = (): Readonly<Record<string, `0x${string}`>> => {
  const input = {
    language: 'Solidity',
    sources: {
      'a.sol': { content: `// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;${source}` },
    },
    settings: {
      evmVersion: 'paris',
      outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
    },
  }
  const output = JSON.parse(require('solc').compile(JSON.stringify(input)))
  return Object.fromEntries(
    Object.entries<{ evm: { deployedBytecode: { object: string } } }>(
      output.contracts['a.sol'],
    ).map(([name, { evm }]) => [name, `0x${evm.deployedBytecode.object}`]),
  )
}

const addressOf = (index: number): string => `0x${(0xc000 + index).toString(16).padStart(40, '0')}`
const at = {
  Token: addressOf(0),
  Vault: addressOf(1),
  Oracle: addressOf(2),
  Governor: addressOf(3),
  Timelock: addressOf(4),
  Safe: addressOf(5),
  Market: addressOf(6),
  Silent: addressOf(7),
  Proxy: addressOf(8),
  PairV2: addressOf(9),
  PoolV3: addressOf(10),
  Clone: addressOf(11),
} as const
const nobody = addressOf(99)

beforeAll(async () => {
  anvil = await startAnvil()
  const code = compile()
  const pair = require('@uniswap/v2-core/build/UniswapV2Pair.json').evm.deployedBytecode.object
  const pool =
    require('@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json').deployedBytecode
  const all: Record<string, string> = {
    ...code,
    PairV2: `0x${pair}`,
    PoolV3: pool,
    Clone: `0x363d3d373d3d3d363d73${at.Token.slice(2)}5af43d82803e903d91602b57fd5bf3`,
  }
  for (const [name, address] of Object.entries(at))
    await anvil.rpc('anvil_setCode', [address, all[name]])
  await anvil.rpc('anvil_setStorageAt', [
    at.Proxy,
    '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc',
    `0x${at.Token.slice(2).padStart(64, '0')}`,
  ])
  await anvil.rpc('evm_mine')
})
afterAll(async () => {
  await anvil?.stop()
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  rmSync(folder, { recursive: true, force: true })
})

const probe = async (
  things: readonly string[],
  rpc?: string,
  id = 31337,
  timeoutMs = 5_000,
): Promise<ProbeReport> => {
  const file = join(folder, 'watchlist.yaml')
  writeFileSync(
    file,
    `version: 1\nname: test\nchains:\n  local:\n    id: ${id}\n    rpc: [${rpc ?? `{ http: ${anvil.url}, ws: ${anvil.wsUrl} }`}]\nwatch:\n${things.map((thing) => `  - { chain: local, ${thing} }\n`).join('')}`,
  )
  return probeWatchlist(await loadConfig({ file, secrets: ['rpc'] }), { timeoutMs })
}
const lines = (report: ProbeReport): readonly string[] =>
  report.faults.map(
    (fault) => `${fault.line}:${fault.column} ${fault.severity} ${fault.path}: ${fault.problem}`,
  )

test('behavior: every kind that is what it says passes, over HTTP and WebSocket', async () => {
  const report = await probe([
    `kind: token, name: token, address: ${at.Token}, decimals: 6, adminFunctions: [setFee(uint256)]`,
    `kind: vault, name: vault, address: ${at.Vault}, asset: 0x00000000000000000000000000000000000000aa`,
    `kind: oracle, name: oracle, address: ${at.Oracle}, heartbeatS: 60, decimals: 8`,
    `kind: governor, name: governor, address: ${at.Governor}`,
    `kind: timelock, name: timelock, address: ${at.Timelock}`,
    `kind: multisig, name: safe, address: ${at.Safe}`,
    `kind: lending-market, name: market, address: ${at.Market}, variant: aave-v3`,
    `kind: pool, name: v2, address: ${at.PairV2}, variant: uniswap-v2`,
    `kind: pool, name: v3, address: ${at.PoolV3}, variant: uniswap-v3`,
    `kind: proxy, name: proxy, address: ${at.Proxy}`,
    `kind: token, name: proxied, address: ${at.Proxy}, proxy: true`,
    `kind: token, name: clone, address: ${at.Clone}`,
    `kind: treasury, name: eoa, address: ${nobody}`,
    `kind: label, name: whale, address: ${nobody}, tags: [whale]`,
  ])
  expect(lines(report)).toEqual([])
  expect(report.checked).toHaveLength(14)
  expect(report.endpoints.map(({ chainId, block, reason }) => [chainId, block, reason])).toEqual([
    [31337, 1, ''],
    [31337, 1, ''],
  ])
})

test('error: no code, another kind, a wrong figure, a proxy that is none, one that is not declared', async () => {
  const report = await probe([
    `kind: token, name: empty, address: ${nobody}`,
    `kind: token, name: silent, address: ${at.Silent}`,
    `kind: token, name: wrong, address: ${at.Token}, decimals: 18, adminFunctions: [setFees(uint256)], deployBlock: 999`,
    `kind: pool, name: v2, address: ${at.PoolV3}, variant: uniswap-v2`,
    `kind: proxy, name: plain, address: ${at.Token}`,
    `kind: token, name: hidden, address: ${at.Proxy}`,
    `kind: multisig, name: safe, address: ${at.Vault}`,
  ])
  expect(lines(report)).toEqual([
    expect.stringMatching(
      /^8:56 fault watch\[empty\]\.address: there is no code at 0x0+c063 on local$/,
    ),
    expect.stringMatching(/^9:27 fault watch\[silent\]\.kind: it does not answer decimals\(\)/),
    expect.stringMatching(/^9:27 fault watch\[silent\]\.kind: it does not answer totalSupply\(\)/),
    '10:163 fault watch[wrong].deployBlock: block 999 is ahead of the chain (now 1)',
    '10:130 warning watch[wrong].adminFunctions: not in the code, so never seen: setFees(uint256)',
    '10:110 fault watch[wrong].decimals: the watchlist says 18, decimals() answers 6',
    '11:105 fault watch[v2].variant: it does not answer getReserves(), so it is no uniswap-v2 pool',
    '12:56 fault watch[plain].address: it is declared a proxy, but no implementation is behind it',
    expect.stringMatching(
      /^13:57 warning watch\[hidden\]\.address: it is a proxy, now of 0x0+c000$/,
    ),
    '14:27 fault watch[safe].kind: it does not answer getThreshold(), so it is no safe multisig',
  ])
})

test('error: an ABI of which nothing, or only a part, is in the code', async () => {
  const write = (name: string, abi: Abi): void =>
    writeFileSync(join(folder, name), JSON.stringify(abi))
  write('none.json', parseAbi(['function foo()', 'function bar(uint256)']))
  write('half.json', parseAbi(['function setFee(uint256)', 'function bar(uint256)']))
  write('full.json', parseAbi(['function setFee(uint256)', 'event Anything(uint256 x)']))
  const report = await probe([
    `kind: contract, name: none, address: ${at.Token}, abi: none.json`,
    `kind: token, name: half, address: ${at.Token}, abi: half.json`,
    `kind: token, name: full, address: ${at.Clone}, abi: full.json`,
    `kind: proxy, name: behind, address: ${at.Proxy}, abi: full.json`,
  ])
  expect(lines(report)).toEqual([
    expect.stringContaining('fault watch[none].abi: the ABI does not fit'),
    expect.stringContaining(
      'warning watch[half].abi: 50 % of the ABI (1 of 2) is not in the code: bar(uint256)',
    ),
  ])
})

test('behavior: a selector with leading zeros is found though compilers push it shorter', () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `f${index}()`)
  const name = names.find((one) => toFunctionSelector(`function ${one}`).startsWith('0x00')) ?? ''
  const selector = toFunctionSelector(`function ${name}`)
  const abi: Abi = [
    { type: 'function', name: name.slice(0, -2), inputs: [], outputs: [], stateMutability: 'view' },
  ]
  expect(fitAbi(abi, [`0x6062${selector.slice(4)}14`])).toEqual({ total: 1, missing: [] })
  expect(fitAbi(abi, ['0x6080604052'])).toEqual({ total: 1, missing: [name] })
})

test('error: an endpoint of another chain', async () => {
  const report = await probe(
    [`kind: token, name: token, address: ${at.Token}`],
    `{ http: ${anvil.url} }`,
    1,
  )
  expect(lines(report)).toEqual([
    `5:9 fault chains.local.rpc[0]: config says 1, endpoint http://127.0.0.1:${anvil.port} serves 31337`,
  ])
  expect(report.checked).toEqual([])
})

const serve = async (answer: (body: string) => string | undefined): Promise<string> => {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const text = answer(body)
      if (text !== undefined) response.setHeader('content-type', 'application/json').end(text)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('error: endpoints that are dead, hang, or answer rubbish; a good one beside them is used', async () => {
  const hanging = await serve(() => undefined)
  const rubbish = await serve(() => '<html>\u001b[2Jdenied</html>')
  const huge = await serve(() => `{"jsonrpc":"2.0","id":1,"result":"0x${'0'.repeat(8_000_000)}1"}`)
  const report = await probe(
    [`kind: token, name: token, address: ${at.Token}`],
    `{ http: http://127.0.0.1:1/secret-path }, { http: ${hanging} }, { http: ${rubbish} }, { http: ${huge} }, { http: ${anvil.url}, ws: ws://127.0.0.1:1 }`,
    31337,
    700,
  )
  const found = lines(report)
  expect(found).toHaveLength(5)
  for (const [index, rpc] of [0, 1, 2, 3, 4].entries())
    expect(found[index]).toContain(`chains.local.rpc[${rpc}]`)
  expect(found.join('')).not.toMatch(/secret-path|\p{Cc}/u)
  expect(Math.max(...found.map((line) => line.length))).toBeLessThan(500)
  expect(report.checked).toEqual(['token'])
})

test('error: a node that answers the chain id and then nothing useful is not taken for a bad contract', async () => {
  const sick = await serve((body) => {
    const { id, method } = JSON.parse(body)
    const known: Record<string, string> = {
      eth_chainId: '0x7a69',
      eth_blockNumber: '0x1',
      eth_getCode: '0x6001',
      eth_getStorageAt: `0x${'0'.repeat(64)}`,
    }
    return method in known
      ? JSON.stringify({ jsonrpc: '2.0', id, result: known[method] })
      : undefined
  })
  const report = await probe(
    [`kind: multisig, name: safe, address: ${at.Safe}`],
    `{ http: ${sick} }`,
    31337,
    500,
  )
  expect(lines(report)).toEqual([expect.stringContaining('getThreshold() could not be asked')])
})
