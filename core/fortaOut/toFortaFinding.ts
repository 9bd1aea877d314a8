import type { FindingRow } from '../engine/index.ts'

type Raw = Readonly<Record<string, unknown>>

const SEVERITIES = ['Unknown', 'Info', 'Low', 'Medium', 'High', 'Critical']
const TYPES = ['Unknown', 'Exploit', 'Suspicious', 'Degraded', 'Info', 'Scam']

const entityType = (entity: string): number => {
  if (/^0x[0-9a-fA-F]{40}$/.test(entity)) return 1
  if (/^0x[0-9a-fA-F]{64}$/.test(entity)) return 2
  return /^https?:\/\//.test(entity) ? 4 : 0
}

/**
 * A finding in the network's shape. Its key there stands for the alert alone, over all blocks and transactions: so it is
 * the identity of the finding, which every node that looks at the same block makes alike.
 */
export const toFortaFinding = (row: FindingRow): Raw => {
  // That a condition is over is told, and pages nobody.
  const isOver = row.condition !== null && row.condition !== 'holds'
  const { txHash, chainId, blockHash, blockNumber } = row
  return {
    alertId: row.alertId,
    name: isOver && row.condition === 'ended' ? `Over: ${row.name}` : row.name,
    description: row.description,
    severity: isOver ? 1 : Math.max(0, SEVERITIES.indexOf(row.severity)),
    type: Math.max(0, TYPES.indexOf(row.type)),
    protocol: row.protocol ?? 'ethereum',
    metadata: {
      ...row.metadata,
      ...(row.thing === null ? {} : { thing: row.thing }),
      ...(row.condition === null ? {} : { condition: row.condition }),
    },
    addresses: row.addresses,
    labels: row.labels.map(({ entity, label, confidence }) => ({
      entity,
      label,
      confidence,
      entityType: entityType(entity),
      remove: false,
      metadata: [],
    })),
    uniqueKey: row.id,
    source: {
      ...(txHash === null ? {} : { transactions: [{ chainId, hash: txHash }] }),
      blocks: [{ chainId, hash: blockHash, number: blockNumber }],
    },
    timestamp: new Date(row.blockTimestampS * 1_000).toISOString(),
  }
}
