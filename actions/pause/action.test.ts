import { defineAction, type Hex, type ProbeContext } from 'tocsin'
import { actionConformance } from 'tocsin/testing'
import { keccak256, toHex } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ActionStage, createActionStage } from '../../test/support/actionScene.ts'
import { pause } from './action.ts'

let stage: ActionStage
beforeAll(async () => {
  stage = await createActionStage()
}, 240_000)
afterAll(() => stage?.stop())

describe('a role of its own', () => {
  const PAUSER = keccak256(toHex('PAUSER_ROLE'))
  const scene = async () => {
    const { anvil, admin, signer, deploy } = stage
    const vault = await deploy('RoleVault', admin)
    await vault.write('grantRole', PAUSER, signer)
    return {
      anvil,
      signer,
      target: vault.address,
      guards: async () => [(await vault.read('paused')) === true],
      breaks: { 'the role is revoked': () => vault.write('revokeRole', PAUSER, signer) },
    }
  }
  for (const { name, run } of actionConformance(pause, { scene })) test(name, run)
})

describe('its owner', () => {
  const scene = async () => {
    const { anvil, admin, signer, stranger, deploy } = stage
    const vault = await deploy('OwnedVault', admin)
    await vault.write('transferOwnership', signer)
    return {
      anvil,
      signer,
      target: vault.address,
      guards: async () => [(await vault.read('paused')) === true],
      breaks: {
        'it is sold': () =>
          anvil.rpc('anvil_setStorageAt', [
            vault.address,
            `0x${'0'.repeat(64)}`,
            `0x${stranger.slice(2).padStart(64, '0')}`,
          ]),
      },
    }
  }
  for (const { name, run } of actionConformance(pause, { scene })) test(name, run)
})

const TARGET = `0x${'11'.repeat(20)}` as const
const FACTS = { target: TARGET, chain: 1, parameters: {} }
const SIGNER = `0x${'22'.repeat(20)}` as const
const word = (hex: string): Hex => `0x${hex.padStart(64, '0')}`
const YES = word('1')
const NO = word('0')

/** A target that answers by selector; what it does not know reverts. */
const probe = (answers: Readonly<Record<string, Hex>>) =>
  pause.probe({
    policy: { target: TARGET } as ProbeContext['policy'],
    signer: SIGNER,
    call: async (_, data) => {
      const data32 = answers[data] ?? answers[data.slice(0, 10)]
      return data32 === undefined ? { ok: false, data: '0x' } : { ok: true, data: data32 }
    },
  })

test('default: it is pause() of the target and nothing else', () => {
  expect(pause.encode(FACTS)).toBe('0x8456cb59')
  expect(pause.selectors).toEqual(['0x8456cb59'])
  expect(pause.postcondition.calls(FACTS)).toEqual([{ to: TARGET, data: '0x5c975abb' }])
})

test('behavior: only a plain true is paused', () => {
  expect(pause.postcondition.holds([YES], FACTS)).toBe(true)
  for (const data of [NO, '0x', '0x1', word('2'), `${YES}${'00'.repeat(32)}`] as const)
    expect(pause.postcondition.holds([data], FACTS)).toBe(false)
})

test('behavior: both generations of "already paused" are known, other reverts are not', () => {
  expect(pause.isAlreadyEffective('0xd93c0665')).toBe(true)
  const old =
    `0x08c379a0${'20'.padStart(64, '0')}${'10'.padStart(64, '0')}${Buffer.from('Pausable: paused').toString('hex').padEnd(64, '0')}` as const
  expect(pause.isAlreadyEffective(old)).toBe(true)
  expect(pause.isAlreadyEffective('0x')).toBe(false)
  expect(pause.isAlreadyEffective(`0xe2517d3f${'00'.repeat(64)}`)).toBe(false)
})

test('behavior: ready by the usual role, by the role the contract names, or as owner', async () => {
  const held = `0x91d1485465d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a${word('22'.repeat(20)).slice(2)}`
  expect(await probe({ [held]: YES })).toMatchObject([{ name: 'role', ok: true }])
  const named = `0x91d14854${'ab'.repeat(32)}${word('22'.repeat(20)).slice(2)}`
  expect(await probe({ '0xe63ab1e9': `0x${'ab'.repeat(32)}`, [named]: YES })).toMatchObject([
    { ok: true },
  ])
  expect(await probe({ '0x8da5cb5b': word('22'.repeat(20)) })).toMatchObject([{ ok: true }])
})

test('behavior: without the right it is not ready, and says who lacks what', async () => {
  for (const answers of [{}, { '0x91d14854': NO, '0x8da5cb5b': word('33'.repeat(20)) }] as const)
    expect(await probe(answers)).toMatchObject([
      { ok: false, message: expect.stringContaining(SIGNER) },
    ])
})

test('error: an action that could lower a guard cannot be defined', () => {
  for (const selector of [
    '0x3f4ba83a',
    '0xf2fde38b',
    '0x2f2ff15d',
    '0x3659cfe6',
    '0xA9059CBB',
    '0x12',
  ] as const)
    expect(() => defineAction({ ...pause, selectors: ['0x8456cb59', selector] })).toThrow(
      /Action "pause"/,
    )
  expect(() => defineAction({ ...pause, selectors: [] })).toThrow(/no selector/)
  expect(() => defineAction({ ...pause, id: 'Un Pause' })).toThrow(/kebab-case/)
})
