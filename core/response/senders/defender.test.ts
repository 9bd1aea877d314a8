import { afterEach, expect, test } from 'vitest'
import { startDefenderStandin } from '../../../test/support/defenderStandin.ts'
import { createRelayerDesk } from '../../../test/support/relayerDesk.ts'
import type { RelayerStandin } from '../../../test/support/relayerStandin.ts'
import { sleep } from '../../base/index.ts'
import { createDefenderSender } from './defender.ts'
import type { RemoteSender } from './remoteSender.ts'

const KEY = '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba'
let standin: RelayerStandin | undefined
let sender: RemoteSender | undefined
afterEach(async () => {
  await sender?.stop()
  await standin?.stop()
})

const open = async (timeoutMs: number) => {
  const desk = await createRelayerDesk(async () => '0x0' as never, 31_337, KEY)
  standin = await startDefenderStandin(desk, {
    apiKey: 'key',
    apiSecret: 'secret',
    chainId: 31_337,
  })
  sender = createDefenderSender(
    {
      name: 'defender',
      type: 'defender',
      chain: 'local',
      url: standin.url,
      apiKey: 'key',
      apiSecret: 'secret',
      address: undefined,
    },
    { chainId: 31_337, timeoutMs },
  )
  expect(await sender.account()).toBe(desk.address)
  return { standin, sender, desk }
}
const call = {
  chainId: 31_337,
  to: `0x${'11'.repeat(20)}`,
  // What ethers' number helpers would shorten.
  data: '0x00c0ffee',
  gasLimit: 100_000n,
  maxFeePerGas: 10n,
  maxPriorityFeePerGas: 1n,
  validUntil: new Date(Date.now() + 600_000),
  note: 'a test',
} as const

test('behavior: 401 for ever ends with its thread, and nothing hammers the service any more', async () => {
  const opened = await open(1_500)
  opened.standin.setFault('unauthorized')
  expect(await opened.sender.submit(call)).toMatchObject({ outcome: 'unknown' })
  // What was on its way when the thread ended still arrives.
  await sleep(1_000)
  const { length } = opened.standin.seen
  await sleep(1_000)
  expect(opened.standin.seen).toHaveLength(length)
  opened.standin.setFault('none')
  expect(await opened.sender.account()).toBe(opened.desk.address)
})

test('behavior: one call is one request, and calldata goes through with its leading zeros', async () => {
  const opened = await open(5_000)
  const posts = () => opened.standin.seen.filter((each) => each === 'POST /relayers/self/txs')
  for (const fault of ['refused', 'rate-limited', 'error', 'reset-after'] as const) {
    const before = posts().length
    opened.standin.setFault(fault)
    await opened.sender.submit(call)
    await sleep(600)
    expect(posts().length - before).toBe(1)
  }
  expect(opened.desk.accepted.map(({ data }) => data)).toEqual(['0x00c0ffee'])
})

test('error: the key is not posted to a host that is neither https nor this machine', () => {
  const config = {
    name: 'defender',
    type: 'defender',
    chain: 'local',
    url: 'http://defender.example/',
    apiKey: 'key',
    apiSecret: 'secret',
    address: undefined,
  } as const
  expect(() => createDefenderSender(config, { chainId: 1 })).toThrow('neither https')
})
