import { concat, encodeFunctionData, encodePacked, type Hex, size, zeroAddress } from 'viem'
import type { Address } from '../../../core/base/index.ts'
import { type DemoAccount, demoAccount } from '../../../demo/contracts/index.ts'
import { SAFE_TX } from '../../../demo/safeTransaction.ts'
import { call } from '../support/createScene.ts'
import type { Contract, Request, Scene } from '../support/types.ts'

/** What a Safe is asked to do. */
export type Inner = {
  readonly to: Address
  readonly data?: Hex
  readonly valueWei?: bigint
  /** 1: delegatecall. Default: 0. */
  readonly operation?: 0 | 1
}

export const OWNERS: readonly DemoAccount[] = [1, 2, 3, 4].map(demoAccount)

export const encode = (
  contract: Contract,
  functionName: string,
  args: readonly unknown[] = [],
): Required<Pick<Inner, 'to' | 'data'>> => ({
  to: contract.address,
  data: encodeFunctionData({ abi: contract.abi, functionName, args }),
})

/** The data of `multiSend`: many calls in one. */
export const batch = (multiSend: Contract, parts: readonly Inner[]): Inner => ({
  to: multiSend.address,
  operation: 1,
  data: encodeFunctionData({
    abi: multiSend.abi,
    functionName: 'multiSend',
    args: [
      concat(
        parts.map(({ to, data = '0x', valueWei = 0n, operation = 0 }) =>
          encodePacked(
            ['uint8', 'address', 'uint256', 'uint256', 'bytes'],
            [operation, to, valueWei, BigInt(size(data)), data],
          ),
        ),
      ),
    ],
  }),
})

/** A Safe transaction with the signatures of its first two owners, sent by the first. */
export const safeTransaction = async (
  scene: Scene,
  safe: Contract,
  inner: Inner,
  options: { readonly after?: number; readonly from?: Address } = {},
): Promise<Request> => {
  const nonce = (await scene.read(safe, 'nonce')) + BigInt(options.after ?? 0)
  const { to, data = '0x', valueWei = 0n, operation = 0 } = inner
  const message = {
    to,
    value: valueWei,
    data,
    operation,
    safeTxGas: 0n,
    baseGas: 0n,
    gasPrice: 0n,
    gasToken: zeroAddress,
    refundReceiver: zeroAddress,
    nonce,
  }
  const signers = OWNERS.slice(0, 2).toSorted((a, b) => (a.address < b.address ? -1 : 1))
  const signatures: Hex[] = []
  for (const signer of signers)
    signatures.push(
      await signer.signTypedData({
        domain: { chainId: scene.anvil.chainId, verifyingContract: safe.address },
        types: { SafeTx: SAFE_TX },
        primaryType: 'SafeTx',
        message,
      }),
    )
  const from = options.from ?? OWNERS[0]?.address ?? zeroAddress
  const args = [to, valueWei, data, operation, 0n, 0n, 0n, zeroAddress, zeroAddress]
  return call(from, safe, 'execTransaction', [...args, concat(signatures)])
}
