import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type BlockInput, createBotHarness, encodeLog } from 'tocsin/testing'
import {
  type Abi,
  concat,
  encodeFunctionData,
  encodePacked,
  parseAbi,
  size,
  zeroAddress,
} from 'viem'
import { describe, expect, test } from 'vitest'
import { accessControlAbi, DEFAULT_ADMIN_ROLE, ownableAbi, safeAbi } from '../../abis/index.ts'
import { adminCall } from './bot.ts'
import { MANAGER_FORMS, MORE_RULES, moreAbi } from './moreEvents.ts'
import { PRICE_RULES, priceAbi } from './priceEvents.ts'

const MANAGER = '0x00000000000000000000000000000000000000a1'
const SAFE = '0x00000000000000000000000000000000000000a2'
const HELPER = '0x00000000000000000000000000000000000000a3'
const THIEF = '0x00000000000000000000000000000000000000f1'
const contract = { kind: 'contract', name: 'manager', address: MANAGER } as const
const safe = { kind: 'multisig', name: 'safe', address: SAFE } as const

const told = async (eventName: string, args: Record<string, unknown>) => {
  const harness = await createBotHarness(adminCall, { things: [contract] })
  await harness.block({ code: { [HELPER]: '0x6001' } })
  const logs = [encodeLog({ abi: [...moreAbi, ...priceAbi], eventName, args, address: MANAGER })]
  const found = await harness.block({ logs })
  await harness.stop()
  return found.map(({ alertId, severity, description }) => [alertId, severity, description])
}

describe('AccessManager', () => {
  const granted = (roleId: bigint, delay: number) =>
    told('RoleGranted', { roleId, account: THIEF, delay, since: 1n, newMember: true })

  test('behavior: a role is told by its delay, the admin role always pages', async () => {
    expect(await granted(0n, 86_400)).toMatchObject([['ROLE-CHANGED', 'Critical', {}]])
    const [at] = await granted(7n, 0)
    expect(at?.slice(0, 2)).toEqual(['ROLE-CHANGED', 'High'])
    expect(at?.[2]).toContain('was granted role 7, without any delay')
    expect(await granted(7n, 1)).toMatchObject([['ROLE-CHANGED', 'Medium', {}]])
  })

  test('behavior: a function for everybody is Critical, for admins alone it is Medium', async () => {
    const opened = (roleId: bigint) =>
      told('TargetFunctionRoleUpdated', { target: SAFE, selector: '0x12345678', roleId })
    expect(await opened(2n ** 64n - 1n)).toMatchObject([['ROLE-CHANGED', 'Critical', {}]])
    expect(await opened(7n)).toMatchObject([['ROLE-CHANGED', 'High', {}]])
    expect(await opened(0n)).toMatchObject([['ROLE-CHANGED', 'Medium', {}]])
  })
})

test('behavior: a pauser or owner that is a single key is Critical', async () => {
  expect(await told('PauserChanged', { newAddress: THIEF })).toMatchObject([
    ['ROLE-CHANGED', 'Critical', {}],
  ])
  expect(await told('OwnerChanged', { oldOwner: SAFE, newOwner: THIEF })).toMatchObject([
    ['OWNER-CHANGED', 'Critical', {}],
  ])
})

describe('price sources', () => {
  test('behavior: a source without code is Critical, one that can be read is High', async () => {
    const moved = (source: string) => told('AssetSourceUpdated', { asset: SAFE, source })
    const [at] = await moved(THIEF)
    expect(at?.slice(0, 2)).toEqual(['PRICE-SOURCE-CHANGED', 'Critical'])
    expect(at?.[2]).toContain('now comes from')
    expect(await moved(HELPER)).toMatchObject([['PRICE-SOURCE-CHANGED', 'High', {}]])
  })

  test('behavior: a market without a second source is Medium', async () => {
    expect(await told('FallbackOracleUpdated', { fallbackOracle: zeroAddress })).toMatchObject([
      ['PRICE-SOURCE-CHANGED', 'Medium', {}],
    ])
    expect(await told('FallbackOracleUpdated', { fallbackOracle: HELPER })).toMatchObject([
      ['PRICE-SOURCE-CHANGED', 'High', {}],
    ])
  })

  test('behavior: each event has its rule', () => {
    const names = new Set(priceAbi.map(({ name }) => name))
    expect([...names].sort()).toEqual(Object.keys(PRICE_RULES).sort())
  })
})

test('behavior: power that its holder gives up is Medium, power that is taken from him is not', async () => {
  const play = async (block: BlockInput, before: BlockInput = { code: { [MANAGER]: '0x01' } }) => {
    const harness = await createBotHarness(adminCall, { things: [contract] })
    await harness.block(before)
    const found = await harness.block(block)
    await harness.stop()
    return found.map(({ severity }) => severity)
  }
  const given = (abi: Abi, eventName: string, args: Record<string, unknown>) => ({
    logs: [encodeLog({ abi, eventName, args, address: MANAGER })],
  })
  const left = { previousOwner: THIEF, newOwner: zeroAddress }
  expect(await play(given(ownableAbi, 'OwnershipTransferred', left))).toEqual(['Medium'])
  const revoked = (sender: string) =>
    given(accessControlAbi, 'RoleRevoked', { role: DEFAULT_ADMIN_ROLE, account: THIEF, sender })
  expect(await play(revoked(THIEF))).toEqual(['Medium'])
  expect(await play(revoked(SAFE))).toEqual(['High'])
  // What a factory creates is set up in the same block.
  const born = { ...revoked(SAFE), code: { [MANAGER]: '0x01' as const } }
  expect(await play(born, {})).toEqual(['Info'])
})

test('behavior: every event of the list has its rule', () => {
  const names = new Set(moreAbi.map(({ name }) => name as string))
  expect([...names].sort()).toEqual(
    [...Object.keys(MORE_RULES), ...Object.keys(MANAGER_FORMS)].sort(),
  )
})

describe("the Safe's helpers", () => {
  const multiSendAbi = parseAbi(['function multiSend(bytes transactions)'])
  const deployed = async (name: string): Promise<`0x${string}`> => {
    const path = `@safe-global/safe-smart-account/build/artifacts/contracts/libraries/${name}.sol/${name}.json`
    const file = await readFile(createRequire(import.meta.url).resolve(path), 'utf8')
    const { deployedBytecode } = JSON.parse(file) as { readonly deployedBytecode: string }
    // MultiSend keeps its own address in its code.
    return `0x${deployedBytecode.slice(2).replace(`7f${'0'.repeat(64)}`, `7f${HELPER.slice(2).padStart(64, '0')}`)}`
  }
  const part = (operation: number, to: `0x${string}`, data: `0x${string}` = '0x') =>
    encodePacked(
      ['uint8', 'address', 'uint256', 'uint256', 'bytes'],
      [operation, to, 0n, BigInt(size(data)), data],
    )
  const run = async (
    helper: `0x${string}`,
    parts: readonly `0x${string}`[],
  ): Promise<readonly (readonly [string, string, string | undefined])[]> => {
    const data = encodeFunctionData({
      abi: multiSendAbi,
      functionName: 'multiSend',
      args: [concat(parts)],
    })
    const args = [HELPER, 0n, data, 1, 0n, 0n, 0n, zeroAddress, zeroAddress, '0x'] as const
    const input = encodeFunctionData({ abi: safeAbi, functionName: 'execTransaction', args })
    const harness = await createBotHarness(adminCall, { things: [safe] })
    await harness.block({ code: { [SAFE]: '0x01', [HELPER]: helper } })
    const found = await harness.block({ txs: [{ from: THIEF, to: SAFE, input }] })
    await harness.stop()
    return found.map(({ alertId, severity, metadata }) => [alertId, severity, metadata['target']])
  }

  test('behavior: a batch of plain calls is silent wherever MultiSend lies', async () => {
    const calls = [part(0, MANAGER), part(0, THIEF)]
    expect(await run(await deployed('MultiSend'), calls)).toEqual([])
    expect(await run(await deployed('MultiSendCallOnly'), calls)).toEqual([])
  })

  test('behavior: a delegatecall within a batch is told, and code that is nearly MultiSend too', async () => {
    const hidden = [part(0, MANAGER), part(1, THIEF)]
    expect(await run(await deployed('MultiSend'), hidden)).toEqual([
      ['MULTISIG-DELEGATECALL', 'High', THIEF],
    ])
    expect(await run(`${await deployed('MultiSend')}00`, [part(0, MANAGER)])).toEqual([
      ['MULTISIG-DELEGATECALL', 'High', HELPER],
    ])
  })

  test('behavior: CreateCall and SignMessageLib are merely noted', async () => {
    for (const name of ['CreateCall', 'SignMessageLib'])
      expect(await run(await deployed(name), [part(0, MANAGER)])).toEqual([
        ['MULTISIG-DELEGATECALL', 'Low', HELPER],
      ])
  })
})

test('behavior: the first value of a slot is no change where the contract was created in this block', async () => {
  const slot = `0x${'0'.repeat(64)}` as const
  const held = [
    {
      address: SAFE as `0x${string}`,
      slot,
      value: `0x${THIEF.slice(2).padStart(64, '0')}` as const,
    },
  ]
  const harness = await createBotHarness(adminCall, { things: [safe] })
  await harness.block({})
  expect(await harness.block({ storage: held, code: { [SAFE]: '0x01' } })).toEqual([])
  const other = held.map((one) => ({ ...one, value: slot }))
  expect((await harness.block({ storage: other })).map(({ alertId }) => alertId)).toEqual([
    'ADMIN-SLOT-CHANGED',
  ])
  expect((await harness.block({ storage: held })).map(({ alertId }) => alertId)).toEqual([
    'ADMIN-SLOT-CHANGED',
  ])
  await harness.stop()
})
