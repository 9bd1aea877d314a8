import type { Address, Hex } from '../base/index.ts'
import { readEffect, readHead, readNonce } from './readTarget.ts'
import type { TransactionStatus } from './sender.ts'
import type { SignerLane } from './signerContext.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

export type Sight = {
  readonly head: number
  readonly effective: boolean
  readonly nextNonce: number
  readonly mined: Extract<TransactionStatus, { state: 'mined' }> | undefined
  readonly isKnown: boolean
}

/** Where all transactions of an execution stand, and whether the effect does; one round trip. */
export const lookAtExecution = async (
  lane: SignerLane,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
  hashes: readonly Hex[],
): Promise<Sight> => {
  const [head, effective, nextNonce, ...statuses] = await Promise.all([
    readHead(lane.rpc),
    readEffect(lane.rpc, action, policy),
    readNonce(lane.rpc, signer),
    ...hashes.map((hash) => lane.sender.status(hash)),
  ])
  const settled = statuses.filter((status) => status.state === 'mined')
  const mined = settled.find(({ success }) => success) ?? settled[0]
  return {
    head: head.number,
    effective,
    nextNonce,
    mined,
    isKnown: statuses.some(({ state }) => state !== 'unknown'),
  }
}
