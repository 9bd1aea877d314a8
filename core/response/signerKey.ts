import { readFile } from 'node:fs/promises'
import {
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerializedEIP1559,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type Address, type Hex, TocsinError } from '../base/index.ts'
import { isApprovedCalldata } from './adaptCalldata.ts'
import type { Fees } from './fees.ts'
import { decodeKeystore } from './keystore.ts'
import type { ActionDefinition, Policy } from './types.ts'

/** Who signs. Only calldata of a policy ever reaches it. */
export type SignerKey = {
  readonly address: Address
  readonly sign: (
    policy: Policy,
    nonce: number,
    fees: Fees,
  ) => Promise<{ readonly raw: Hex; readonly hash: Hex }>
}

export const createSignerKey = (privateKey: Hex): SignerKey => {
  const account = privateKeyToAccount(privateKey)
  return {
    address: account.address.toLowerCase() as Address,
    sign: async (policy, nonce, fees) => {
      const raw = await account.signTransaction({
        type: 'eip1559',
        chainId: policy.chain,
        nonce,
        to: policy.target,
        data: policy.calldata,
        value: 0n,
        gas: policy.gasLimit,
        maxFeePerGas: fees.maxFeePerGas,
        maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
      })
      return { raw, hash: keccak256(raw) }
    },
  }
}

/**
 * Opens the keystore file.
 * @throws TocsinError `keystore.missing`, `keystore.invalid`, `keystore.password`
 */
export const openSignerKey = async (file: string, password: string): Promise<SignerKey> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TocsinError('keystore.missing', `The keystore ${file} cannot be read.`, {
      cause,
      hints: ['`tocsin actions keystore new --out FILE` writes one.'],
    })
  })
  return createSignerKey(await decodeKeystore(text, password.replace(/\r?\n$/, '')))
}

/** Why stored bytes are not a transaction that this key signed for this policy and nonce, or undefined when they are. */
export const checkSigned = async (
  raw: Hex,
  expected: {
    readonly policy: Policy
    readonly signer: Address
    readonly nonce: number
    /** Of the policy; one with `adapt` may have been signed with more flags raised than the policy's. */
    readonly action?: ActionDefinition | undefined
  },
): Promise<string | undefined> => {
  try {
    const serialized = raw as TransactionSerializedEIP1559
    const { policy } = expected
    const tx = parseTransaction(serialized)
    const signer = (
      await recoverTransactionAddress({ serializedTransaction: serialized })
    ).toLowerCase()
    const isRight =
      signer === expected.signer &&
      tx.chainId === policy.chain &&
      (tx.nonce ?? 0) === expected.nonce &&
      tx.to?.toLowerCase() === policy.target &&
      isApprovedCalldata(expected.action, policy, tx.data ?? '0x') &&
      (tx.value ?? 0n) === 0n &&
      tx.gas === policy.gasLimit &&
      (tx.maxFeePerGas ?? policy.maxFeePerGasWei + 1n) <= policy.maxFeePerGasWei
    return isRight ? undefined : 'the stored transaction is not the approved one'
  } catch {
    return 'the stored transaction cannot be read'
  }
}
