import { expect, test } from 'vitest'
import type { Hex } from '../base/index.ts'
import { loadActions } from './loadActions.ts'
import { parsePolicy } from './parsePolicy.ts'
import { scaffoldPolicy } from './scaffoldPolicy.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

const TARGET: Hex = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
const actions = await loadActions()

/** A chain on which there is some code everywhere, and no proxy. */
const rpc: SignerRpc = {
  chainId: 1,
  ask: async () => ({ ok: true, value: '0x' }),
  get: async (method) => (method === 'eth_getCode' ? '0x6001' : `0x${'00'.repeat(32)}`),
  askEach: () => [],
  health: () => [],
}

const scaffold = (changes: Partial<ActionDefinition> = {}): Promise<string> => {
  const action = actions.find(({ id }) => id === 'pause')
  if (!action) throw new Error('no action "pause"')
  return scaffoldPolicy({
    rpc,
    action: { ...action, ...changes },
    id: 'answer',
    target: TARGET,
    approvedBy: ['Ada', 'Grace'],
    bots: ['tvl-drop'],
  })
}

const parse = (text: string): LoadedPolicy => {
  const result = parsePolicy(text, { file: 'policy.yaml', expectedId: 'answer', actions })
  if (!result.ok) throw new Error(JSON.stringify(result.faults, null, 1))
  return result.policy
}

/** The blocks that stand there as comments, as an editor's shortcut uncomments them. */
const uncomment = (text: string): string =>
  text.replace(/^( *)# (?=(?:providers|assertions|senders|broadcast|pending):| {2})/gm, '$1')

test('default: what is written is valid, and means what it did without its comments', async () => {
  const text = await scaffold()
  const policy = parse(text)
  expect(policy).toMatchObject({
    mode: 'observe',
    senders: [{ name: 'local' }],
    pending: { answer: false },
    simulation: { mode: 'best-effort', assertions: { canaries: [] } },
  })
  expect(parse(text.replace(/^ *#.*\n/gm, '')).hash).toBe(policy.hash)
})

test('behavior: every block that stands there as a comment is valid once it is none', async () => {
  const text = await scaffold()
  expect(parse(uncomment(text))).toMatchObject({
    simulation: {
      mode: 'best-effort',
      providers: ['eth_simulateV1', 'debug_traceCall', 'eth_call'],
      assertions: {
        suspiciousReverts: 'report',
        canaries: [{ to: TARGET, expect: 'reverts' }],
        storage: [{ address: TARGET }],
      },
    },
    senders: [
      { name: 'relayer', deadlineS: 30 },
      { name: 'local', deadlineS: 270 },
    ],
    broadcast: { mode: 'private-then-public', afterBlocks: 1 },
    pending: { answer: true, maxPriorityFeePerGasWei: 200_000_000_000n },
  })
})

test('behavior: several senders are not offered where a second run would change something', async () => {
  const text = await scaffold({ isIdempotent: false })
  expect(text).not.toContain('# senders:')
  expect(text).toContain('# broadcast:')
})
