import { concat, encodeFunctionData, zeroAddress } from 'viem'
import type { Address, Hex } from '../core/base/index.ts'
import { callOf, type DemoDeployment, type SendRequest } from './contracts/index.ts'

/** What owners of a Safe sign. */
export const SAFE_TX = [
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'data', type: 'bytes' },
  { name: 'operation', type: 'uint8' },
  { name: 'safeTxGas', type: 'uint256' },
  { name: 'baseGas', type: 'uint256' },
  { name: 'gasPrice', type: 'uint256' },
  { name: 'gasToken', type: 'address' },
  { name: 'refundReceiver', type: 'address' },
  { name: 'nonce', type: 'uint256' },
] as const

/** A Safe transaction that two of the three owners have signed and the first sends. */
export const safeTransaction = async (
  deployment: DemoDeployment,
  options: { readonly to: Address; readonly data: Hex; readonly nonce: bigint },
): Promise<SendRequest> => {
  const { safe, chainId, actors } = deployment
  const message = {
    to: options.to,
    value: 0n,
    data: options.data,
    operation: 0,
    safeTxGas: 0n,
    baseGas: 0n,
    gasPrice: 0n,
    gasToken: zeroAddress,
    refundReceiver: zeroAddress,
    nonce: options.nonce,
  }
  // The Safe wants the signatures in the order of the signers' addresses.
  const signers = [actors.safeOwnerA, actors.safeOwnerB].sort((a, b) =>
    a.address < b.address ? -1 : 1,
  )
  const signatures: Hex[] = []
  for (const signer of signers)
    signatures.push(
      await signer.signTypedData({
        domain: { chainId, verifyingContract: safe.address },
        types: { SafeTx: SAFE_TX },
        primaryType: 'SafeTx',
        message,
      }),
    )
  const args = [
    options.to,
    0n,
    options.data,
    0,
    0n,
    0n,
    0n,
    zeroAddress,
    zeroAddress,
    concat(signatures),
  ]
  return callOf(actors.safeOwnerA.address, safe, 'execTransaction', args)
}

/** Calldata of an ERC-20 transfer. */
export const transferData = (deployment: DemoDeployment, to: Address, units: bigint): Hex =>
  encodeFunctionData({ abi: deployment.usd.abi, functionName: 'transfer', args: [to, units] })
