import { readFile } from 'node:fs/promises'
import {
  keccak256,
  parseTransaction,
  recoverTransactionAddress,
  serializeTransaction,
  type TransactionSerializedEIP1559,
} from 'viem'
import { generatePrivateKey, privateKeyToAddress, sign } from 'viem/accounts'
import { type Address, type Hex, TocsinError } from '../base/index.ts'
import { isApprovedCalldata } from './adaptCalldata.ts'
import type { Fees } from './fees.ts'
import { decodeKeystore } from './keystore.ts'
import type { ActionDefinition, Policy } from './types.ts'

/** What signs a digest: a key in memory, or one in a vault. */
export type DigestSigner = {
  /** Lower case. */
  readonly address: Address
  readonly signDigest: (digest: Hex) => Promise<DigestSignature>
}

/** A signature over secp256k1 with a low `s`. */
export type DigestSignature = { readonly r: Hex; readonly s: Hex; readonly yParity: 0 | 1 }

/** What of a policy is signed. */
export type Signable = Pick<Policy, 'chain' | 'target' | 'calldata' | 'gasLimit'>

/** Who signs. Only calldata of a policy ever reaches `sign`. */
export type SignerKey = DigestSigner & {
  readonly sign: (
    policy: Signable,
    nonce: number,
    fees: Fees,
  ) => Promise<{ readonly raw: Hex; readonly hash: Hex }>
}

/** The signer's key over whatever signs its digests. */
export const createDigestKey = ({ address, signDigest }: DigestSigner): SignerKey => ({
  address,
  signDigest,
  sign: async (policy, nonce, fees) => {
    const transaction = {
      type: 'eip1559' as const,
      chainId: policy.chain,
      nonce,
      to: policy.target,
      data: policy.calldata,
      value: 0n,
      gas: policy.gasLimit,
      maxFeePerGas: fees.maxFeePerGas,
      maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
    }
    const signature = await signDigest(keccak256(serializeTransaction(transaction)))
    const raw = serializeTransaction(transaction, signature)
    return { raw, hash: keccak256(raw) }
  },
})

export const createSignerKey = (privateKey: Hex): SignerKey =>
  createDigestKey({
    address: privateKeyToAddress(privateKey).toLowerCase() as Address,
    signDigest: async (hash) => {
      const { r, s, yParity } = await sign({ hash, privateKey })
      return { r, s, yParity: yParity === 1 ? 1 : 0 }
    },
  })

const WARM_UP_ROUNDS = 16

/**
 * Signs with a throwaway key a transaction that goes nowhere. Tables of the curve are made and the code is compiled
 * by it: the first real signature then takes a millisecond or two, and not twenty.
 */
export const warmUpSigning = async (): Promise<void> => {
  const key = createSignerKey(generatePrivateKey())
  const call: Signable = { chain: 1, target: key.address, calldata: '0x8456cb59', gasLimit: 1n }
  for (let nonce = 0; nonce < WARM_UP_ROUNDS; nonce++)
    await key.sign(call, nonce, { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n })
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
