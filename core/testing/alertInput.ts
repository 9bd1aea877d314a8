import { type Address, type FindingSeverity, type FindingType, stableHash } from '../base/index.ts'
import type { ChainBlock } from '../chain/types.ts'
import type { WatchedThing } from '../config/types.ts'
import { type BotAlert, toBotAlert } from '../engine/index.ts'

/** A finding of another bot, as a test states it. */
export type AlertInput = {
  readonly botId: string
  readonly alertId: string
  /** Default: `High`. */
  readonly severity?: FindingSeverity
  /** Default: `Suspicious`. */
  readonly type?: FindingType
  /** Name of a thing of the harness: its owner and protocol follow. Default: none. */
  readonly thing?: string
  readonly owner?: string
  readonly protocol?: string
  /** Default: the id of the alert. */
  readonly name?: string
  readonly description?: string
  /** Place of its transaction in the block. Default: none. */
  readonly tx?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly addresses?: readonly Address[]
  readonly uniqueKey?: string
  readonly condition?: 'holds' | 'ended' | 'unknown'
  /** Default: `bot`. */
  readonly source?: 'bot' | 'external'
}

/** The finding as the engine would hand it on. */
export const makeAlert = (
  input: AlertInput,
  block: ChainBlock,
  things: readonly WatchedThing[],
): BotAlert => {
  const thing = things.find(({ name }) => name === input.thing)
  const { botId, alertId, condition, uniqueKey, name, description, severity, type, metadata } = {
    uniqueKey: input.thing ?? '',
    name: input.alertId,
    description: `${input.alertId} of ${input.botId}.`,
    severity: 'High',
    type: 'Suspicious',
    metadata: {},
    ...input,
  } as const
  const txHash = block.transactions[input.tx ?? -1]?.hash ?? null
  return toBotAlert(
    {
      id: stableHash(botId, alertId, block.chainId, block.hash, txHash ?? '', uniqueKey),
      botId,
      botVersion: '1.0.0',
      alertId,
      alertKind: condition ? 'condition' : 'event',
      condition: condition ?? null,
      chainId: block.chainId,
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestampS: block.timestampS,
      txHash,
      uniqueKey,
      name,
      description,
      severity,
      type,
      thing: input.thing ?? null,
      owner: input.owner ?? thing?.owner ?? null,
      protocol: input.protocol ?? thing?.protocol ?? null,
      metadata,
      addresses: input.addresses ?? (thing ? [thing.address] : []),
      labels: [],
      status: 'provisional',
      latencyMs: null,
    },
    input.source,
  )
}
