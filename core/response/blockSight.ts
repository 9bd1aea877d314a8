import type { FindingRow } from './executionStore.ts'
import { type BlockRef, parseBlockRef, readBlockRef } from './readTarget.ts'
import type { SignerRpc } from './signerRpc.ts'

/** A block as a finding tells it. */
export type ClaimedBlock = Pick<FindingRow, 'blockNumber' | 'blockHash' | 'blockTimestampS'> & {
  /** The finding does not tell the block's time: its hash says it all. Default: false. */
  readonly isTimeless?: boolean
}

/** How many endpoints have just this block, and what stands in the way where they are too few. */
export type BlockSight = {
  readonly agreeing: number
  readonly asked: number
  /** `time`: the block is there, with another time than the finding says. */
  readonly fault: 'missing' | 'other' | 'time' | undefined
}

const compare = (claimed: ClaimedBlock, block: BlockRef | undefined): BlockSight['fault'] => {
  if (!block) return 'missing'
  if (block.hash !== claimed.blockHash.toLowerCase()) return 'other'
  return claimed.isTimeless || block.timestampS === claimed.blockTimestampS ? undefined : 'time'
}

/**
 * Looks for a finding's block on the signer's endpoints: on whichever answers first when one is enough, else on all of
 * them at once, until so many have it. An endpoint that does not answer has not seen it.
 */
export const readBlockSight = async (
  rpc: SignerRpc,
  claimed: ClaimedBlock,
  needed: number,
): Promise<BlockSight> => {
  if (needed <= 1) {
    const fault = compare(claimed, await readBlockRef(rpc, claimed.blockNumber))
    return { agreeing: fault ? 0 : 1, asked: 1, fault }
  }
  const number = `0x${claimed.blockNumber.toString(16)}`
  const asks = rpc.askEach('eth_getBlockByNumber', [number, false])
  return new Promise((resolve) => {
    let agreeing = 0
    let open = asks.length
    let fault: BlockSight['fault'] = 'missing'
    const count = (found: BlockSight['fault']): void => {
      open--
      if (found === undefined) agreeing++
      else if (found !== 'missing') fault = found
      if (agreeing >= needed) resolve({ agreeing, asked: asks.length, fault: undefined })
      else if (open === 0) resolve({ agreeing, asked: asks.length, fault })
    }
    if (open === 0) resolve({ agreeing, asked: 0, fault })
    for (const ask of asks)
      ask.then(
        (answer) => count(compare(claimed, answer.ok ? parseBlockRef(answer.value) : undefined)),
        () => count('missing'),
      )
  })
}
