import type { PublicClient } from 'viem'
import { BEACON_SLOT, erc1967Abi, IMPLEMENTATION_SLOT } from '../../../abis/index.ts'
import type { Address, Hex } from '../../base/index.ts'
import { readView } from './probeClient.ts'

// keccak256('org.zeppelinos.proxy.implementation'), keccak256('PROXIABLE') (EIP-1822), and Safe's slot 0.
const OLD_SLOTS: readonly Hex[] = [
  '0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3',
  '0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7',
]
const SAFE_SLOT: Hex = `0x${'00'.repeat(32)}`

const addressIn = (word: Hex | undefined): Address | undefined => {
  if (!word || !/^0x0{24}[0-9a-f]{40}$/i.test(word) || /^0x0+$/.test(word)) return undefined
  return `0x${word.slice(-40).toLowerCase()}`
}

/** The contract behind a proxy: EIP-1167 clones, EIP-1967 slots and beacons, older slots, Safe proxies. */
export const findImplementation = async (
  client: PublicClient,
  address: Address,
  code: Hex,
): Promise<
  { readonly address: Address; readonly how: 'clone' | 'slot' | 'beacon' | 'safe' } | undefined
> => {
  const clone = /^0x363d3d373d3d3d363d73([0-9a-f]{40})5af43d82803e903d91602b57fd5bf3/i.exec(
    code,
  )?.[1]
  if (clone) return { address: `0x${clone.toLowerCase()}`, how: 'clone' }
  const slot = async (at: Hex): Promise<Address | undefined> =>
    addressIn(await client.getStorageAt({ address, slot: at }))
  const direct = await slot(IMPLEMENTATION_SLOT)
  if (direct) return { address: direct, how: 'slot' }
  const beacon = await slot(BEACON_SLOT)
  if (beacon) {
    const answer = await readView(client, beacon, erc1967Abi, 'implementation')
    const behind = answer.kind === 'value' ? String(answer.value).toLowerCase() : ''
    if (/^0x[0-9a-f]{40}$/.test(behind)) return { address: `0x${behind.slice(2)}`, how: 'beacon' }
  }
  for (const old of OLD_SLOTS) {
    const found = await slot(old)
    if (found) return { address: found, how: 'slot' }
  }
  // Short code that holds the selector of masterCopy(): a Safe proxy keeps its singleton in slot 0.
  if (code.length < 1_000 && code.includes('a619486e')) {
    const singleton = await slot(SAFE_SLOT)
    if (singleton) return { address: singleton, how: 'safe' }
  }
  return undefined
}
