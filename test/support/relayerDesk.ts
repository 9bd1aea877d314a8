import { randomUUID } from 'node:crypto'
import { keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Address, Hex } from '../../core/base/index.ts'

export type DeskStatus = 'pending' | 'submitted' | 'mined' | 'failed' | 'expired'

/** What somebody asked a relayer to send. */
export type DeskRequest = {
  readonly to: Address
  readonly data: Hex
  readonly gasLimit: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly validUntil: string
}

/** A transaction of a relayer stand-in: its id stays, its hash changes with every resubmission. */
export type DeskTransaction = DeskRequest & {
  readonly id: string
  readonly createdAt: string
  readonly nonce: number
  hash: Hex | undefined
  status: DeskStatus
  bumps: number
}

/** The part that the relayer stand-ins share: a key, a nonce, and real transactions on a local chain. */
export type RelayerDesk = {
  readonly address: Address
  /** Transactions that were accepted, in order. */
  readonly accepted: readonly DeskTransaction[]
  /** Accepts; sends at once unless it is only an intent. */
  readonly accept: (request: DeskRequest, isIntent: boolean) => Promise<DeskTransaction>
  /** With its status by the chain. */
  readonly read: (id: string) => Promise<DeskTransaction | undefined>
  /** Sends it again with fees 10 % up: another hash, the same id. Also how an intent is sent. */
  readonly resubmit: (id: string) => Promise<void>
  /** Puts a no-op in its place, as relayers do after `validUntil`. */
  readonly expire: (id: string) => Promise<void>
}

export const createRelayerDesk = async (
  rpc: <T>(method: string, params?: readonly unknown[]) => Promise<T>,
  chainId: number,
  privateKey: Hex,
): Promise<RelayerDesk> => {
  const account = privateKeyToAccount(privateKey)
  const address = account.address.toLowerCase() as Address
  const accepted: DeskTransaction[] = []
  let nextNonce = Number(await rpc<Hex>('eth_getTransactionCount', [address, 'latest']))

  const send = async (tx: DeskTransaction, call: { to: Address; data: Hex }): Promise<Hex> => {
    const percent = 100n + 10n * BigInt(tx.bumps)
    const raw = await account.signTransaction({
      type: 'eip1559',
      chainId,
      nonce: tx.nonce,
      ...call,
      value: 0n,
      gas: tx.gasLimit,
      maxFeePerGas: (tx.maxFeePerGas * percent) / 100n,
      maxPriorityFeePerGas: (tx.maxPriorityFeePerGas * percent) / 100n,
    })
    await rpc('eth_sendRawTransaction', [raw])
    return keccak256(raw)
  }
  const find = (id: string): DeskTransaction => {
    const found = accepted.find((each) => each.id === id)
    if (!found) throw new Error(`no transaction ${id}`)
    return found
  }
  const resubmit = async (id: string): Promise<void> => {
    const tx = find(id)
    tx.bumps += tx.hash ? 1 : 0
    tx.hash = await send(tx, { to: tx.to, data: tx.data })
    tx.status = 'submitted'
  }
  return {
    address,
    accepted,
    accept: async (request, isIntent) => {
      const tx: DeskTransaction = {
        ...request,
        id: randomUUID(),
        createdAt: new Date().toISOString(),
        nonce: nextNonce++,
        hash: undefined,
        status: 'pending',
        bumps: 0,
      }
      accepted.push(tx)
      if (!isIntent) await resubmit(tx.id)
      return tx
    },
    read: async (id) => {
      const tx = accepted.find((each) => each.id === id)
      if (!tx) return undefined
      const receipt = tx.hash
        ? await rpc<{ status: Hex } | null>('eth_getTransactionReceipt', [tx.hash])
        : null
      if (receipt && tx.status === 'submitted')
        tx.status = receipt.status === '0x1' ? 'mined' : 'failed'
      return tx
    },
    resubmit,
    expire: async (id) => {
      const tx = find(id)
      tx.bumps += 2
      tx.hash = await send(tx, { to: address, data: '0x' })
      tx.status = 'expired'
    },
  }
}
