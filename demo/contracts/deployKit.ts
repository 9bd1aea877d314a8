import { encodeDeployData } from 'viem'
import { type Address, TocsinError } from '../../core/base/index.ts'
import type { DemoActors } from './accounts.ts'
import type { PackageArtifacts } from './artifacts.ts'
import type { ContractArtifact } from './compile.ts'
import type { Sender, SendRequest, SentReceipt } from './sender.ts'

/** What every step of the deployment works with. */
export type DeployKit = {
  readonly sender: Sender
  readonly actors: DemoActors
  readonly deployer: Address
  /** Addresses of the ordinary users. */
  readonly people: readonly Address[]
  /** The demo's own contract of this name. */
  readonly own: (name: string) => ContractArtifact
  readonly theirs: PackageArtifacts
}

export const lower = (address: string): Address => address.toLowerCase() as Address

/** A transaction that creates a contract. */
export const creation = (
  from: Address,
  artifact: ContractArtifact,
  args: readonly unknown[] = [],
): SendRequest => ({
  from,
  // A contract without a constructor must be given no arguments at all.
  data: encodeDeployData({
    abi: artifact.abi,
    bytecode: artifact.bytecode,
    ...(args.length > 0 ? { args } : {}),
  }),
  gas: 7_000_000n,
})

/** Sends the transactions of one step and waits for them. @throws TocsinError `demo.deploy_failed` when one reverts */
export const sendStage = async (
  sender: Sender,
  what: string,
  requests: readonly SendRequest[],
): Promise<readonly SentReceipt[]> => {
  const receipts = await sender.wait(await sender.send(requests))
  const failed = receipts.findIndex((receipt) => receipt.status === 'reverted')
  if (failed >= 0)
    throw new TocsinError(
      'demo.deploy_failed',
      `Transaction ${failed + 1} of the step "${what}" reverted.`,
    )
  return receipts
}
