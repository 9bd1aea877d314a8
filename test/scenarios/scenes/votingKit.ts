import { encodeFunctionData, type Hex, keccak256, toHex } from 'viem'
import type { Address } from '../../../core/base/index.ts'
import { call } from '../support/createScene.ts'
import type { Contract, Request, Scene } from '../support/types.ts'
import type { Inner } from './safeKit.ts'

const NONE: Hex = `0x${'00'.repeat(32)}`
const DAY_S = 86_400
export const DELAY_S = 2 * DAY_S

const lists = (calls: readonly Inner[]) => [
  calls.map(({ to }) => to),
  calls.map(({ valueWei = 0n }) => valueWei),
  calls.map(({ data = '0x' }) => data),
]

/** What a timelock is asked to do later, or does now. */
export const schedule = (
  timelock: Contract,
  calls: readonly Inner[],
  options: { readonly salt?: Hex; readonly delayS?: number } = {},
): Inner => ({
  to: timelock.address,
  data: encodeFunctionData({
    abi: timelock.abi,
    functionName: 'scheduleBatch',
    args: [...lists(calls), NONE, options.salt ?? NONE, BigInt(options.delayS ?? DELAY_S)],
  }),
})

export const execute = (
  from: Address,
  timelock: Contract,
  calls: readonly Inner[],
  salt: Hex = NONE,
): Request => call(from, timelock, 'executeBatch', [...lists(calls), NONE, salt])

export const operationId = (
  scene: Scene,
  timelock: Contract,
  calls: readonly Inner[],
  salt: Hex = NONE,
): Promise<Hex> => scene.read<Hex>(timelock, 'hashOperationBatch', [...lists(calls), NONE, salt])

/** A proposal, and the steps it goes. */
export const proposal = (governor: Contract, calls: readonly Inner[], text: string) => {
  const all = [...lists(calls), keccak256(toHex(text))]
  return {
    propose: (from: Address) => call(from, governor, 'propose', [...lists(calls), text]),
    id: (scene: Scene) => scene.read(governor, 'hashProposal', all),
    vote: (from: Address, id: bigint, support = 1) =>
      call(from, governor, 'castVote', [id, support]),
    queue: (from: Address) => call(from, governor, 'queue', all),
    execute: (from: Address) => call(from, governor, 'execute', all),
  }
}

/** Votes on it in the middle of the voting period, and waits until that is over. */
export const passVote = async (
  scene: Scene,
  proposed: ReturnType<typeof proposal>,
  voters: readonly Address[],
): Promise<void> => {
  const id = await proposed.id(scene)
  await scene.calm(16)
  await scene.block(voters.map((voter) => proposed.vote(voter, id)))
  await scene.calm(30)
}
