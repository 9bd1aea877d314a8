import { cleanText, SELF_BOT_ID, stableHash } from '../base/index.ts'
import type { ChainHeader } from '../chain/types.ts'
import type { EngineBot } from './engineBot.ts'
import type { FindingRow } from './engineStore.ts'

/** A finding about ourselves: a bot begins to fail, or works again. */
export const botFailingFinding = (
  bot: EngineBot,
  block: ChainHeader,
  faults: readonly string[],
): FindingRow => {
  const { id, version } = bot.definition
  const isFailing = faults.length > 0
  const reason = cleanText(faults[0] ?? '', 400)
  return {
    id: stableHash(SELF_BOT_ID, 'BOT-FAILING', block.chainId, block.hash, '', id),
    botId: SELF_BOT_ID,
    botVersion: version,
    alertId: 'BOT-FAILING',
    alertKind: 'condition',
    condition: isFailing ? 'holds' : 'ended',
    chainId: block.chainId,
    blockNumber: block.number,
    blockHash: block.hash,
    blockTimestampS: block.timestampS,
    txHash: null,
    uniqueKey: id,
    name: isFailing ? `The bot ${id} fails` : `The bot ${id} works again`,
    description: isFailing
      ? `In block ${block.number}: ${reason}. What it watches is not watched until it works again.`
      : `It went through block ${block.number} without a fault.`,
    severity: 'High',
    type: 'Degraded',
    thing: null,
    owner: null,
    protocol: null,
    metadata: { bot: id, ...(isFailing ? { reason } : {}) },
    addresses: [],
    labels: [],
    status: 'provisional',
    latencyMs: null,
  }
}
