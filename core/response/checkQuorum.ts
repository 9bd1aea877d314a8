import { type BlockSight, readBlockSight } from './blockSight.ts'
import { isExternal } from './checkTrigger.ts'
import { type Refusal, type Retry, refuse, retry } from './decision.ts'
import type { FindingRow } from './executionStore.ts'
import { botsNeeded, listAgreeing, type Since } from './quorum.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

/** What was found to agree: one finding per bot whose block the signer's own endpoints have. */
export type Votes = {
  readonly needed: number
  /** Ids of the findings, the triggering one first. */
  readonly findings: readonly string[]
  readonly bots: readonly string[]
  /** How many of them come from bots of Tocsin's own. */
  readonly own: number
}

/** Looks for other bots that agree; one query and one look per block, and none where one bot is enough. */
export const readVotes = async (
  context: Pick<SignerContext, 'db'>,
  { rpc }: SignerLane,
  policy: LoadedPolicy,
  finding: FindingRow,
  readSince: () => Promise<Since>,
): Promise<Votes> => {
  const needed = botsNeeded(policy, finding)
  const votes = new Map<string, FindingRow>([[finding.botId, finding]])
  if (needed > 1) {
    const agreeing = await listAgreeing(context.db, policy, finding, await readSince())
    const sights = new Map<string, Promise<BlockSight>>()
    const look = (other: FindingRow): Promise<BlockSight> => {
      // Whoever tells from outside names the block and seldom its time.
      const isTimeless = isExternal(other)
      const key = `${other.blockNumber}:${other.blockHash}:${isTimeless || other.blockTimestampS}`
      const claimed = { ...other, isTimeless }
      const sight = sights.get(key) ?? readBlockSight(rpc, claimed, policy.quorum.endpoints)
      sights.set(key, sight)
      return sight
    }
    const stands = await Promise.all(
      agreeing.map(async (other) => (await look(other)).fault === undefined),
    )
    for (const [index, other] of agreeing.entries())
      if (stands[index] && !votes.has(other.botId)) votes.set(other.botId, other)
  }
  const found = [...votes.values()]
  return {
    needed,
    findings: found.map(({ id }) => id),
    bots: found.map(({ botId }) => botId),
    own: found.filter((each) => !isExternal(each)).length,
  }
}

/**
 * Why the votes are not enough, or undefined when they are. Others may still come, so it is no refusal yet. All that was
 * told from outside, by however many, is one voice: it may be one rumour that went round.
 */
export const checkVotes = ({ bots, needed, own }: Votes): string | undefined => {
  if (own === 0 && bots.length >= needed) return 'it was only told from outside'
  const voices = own + Math.min(1, bots.length - own)
  if (voices >= needed) return undefined
  const outside = bots.length - own > 1 ? '; what was told from outside counts once' : ''
  return `${voices} of ${needed} bots have found it (${bots.join(', ')}${outside})`
}

/** What the endpoints' view of the finding's block means. */
export const checkSight = (
  policy: LoadedPolicy,
  finding: FindingRow,
  sight: BlockSight,
): Retry | Refusal | undefined => {
  const { blockNumber } = finding
  const needed = policy.quorum.endpoints
  if (sight.asked < needed)
    return refuse(
      'quorum',
      `The policy asks for ${needed} endpoints; the signer has ${sight.asked} for this chain.`,
    )
  if (sight.fault === 'time')
    return refuse('forged', 'The finding tells another time than its block has.')
  if (needed > 1)
    return sight.agreeing >= needed
      ? undefined
      : retry(
          `${sight.agreeing} of ${needed} endpoints have block ${blockNumber} as the finding tells it.`,
        )
  if (sight.fault === 'missing')
    return retry(`The signer's endpoint does not have block ${blockNumber} yet.`)
  // Either the endpoint lags behind a reorg that the watcher has seen, or the watcher will retract: time tells.
  if (sight.fault === 'other')
    return retry(`The signer's endpoint has another block ${blockNumber} than the finding.`)
  return undefined
}
