/** What of a finding is told to a bot that subscribed to it. */
export type AlertSource = {
  readonly id: string
  readonly botId: string
  readonly alertId: string
  readonly name: string
  readonly description: string
  readonly severity: string
  readonly type: string
  readonly protocol: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly addresses: readonly string[]
  readonly labels: readonly {
    readonly entity: string
    readonly label: string
    readonly confidence: number
  }[]
  readonly txHash: string | null
}

const TYPES: Readonly<Record<string, string>> = { Info: 'INFORMATION', Unknown: 'UNKNOWN_TYPE' }

/** The labels of a finding as its bot gave them, where it was a bot of the SDK. */
export const labelsOf = ({ metadata, labels }: AlertSource): readonly unknown[] => {
  try {
    const whole: unknown = JSON.parse(metadata['forta.labels'] ?? '')
    if (Array.isArray(whole))
      return whole.map((one: Record<string, unknown>) => ({
        ...one,
        entityType: String(one['entityType'] ?? 'Unknown').toUpperCase(),
      }))
  } catch {
    // A bot of Tocsin's own: its labels have no more than is here.
  }
  return labels.map((label) => ({ ...label, entityType: 'ADDRESS', remove: false, metadata: {} }))
}

/** A finding of Tocsin as the SDK's API gives alerts; the input of `Alert.fromObject`. */
export const toSdkAlert = (
  finding: AlertSource,
  block: {
    readonly chainId: number
    readonly number: number
    readonly hash: string
    readonly timestampS: number
  },
): Readonly<Record<string, unknown>> => {
  const timestamp = new Date(block.timestampS * 1_000).toISOString()
  return {
    alertId: finding.alertId,
    hash: `0x${finding.id.replace(/^0x/, '')}`,
    name: finding.name,
    description: finding.description,
    protocol: finding.protocol ?? 'ethereum',
    severity: finding.severity.toUpperCase(),
    findingType: TYPES[finding.type] ?? finding.type.toUpperCase(),
    alertDocumentType: 'ALERT',
    addresses: finding.addresses,
    contracts: [],
    projects: [],
    relatedAlerts: [],
    scanNodeCount: 1,
    createdAt: timestamp,
    chainId: block.chainId,
    metadata: finding.metadata,
    labels: labelsOf(finding),
    source: {
      ...(finding.txHash === null ? {} : { transactionHash: finding.txHash }),
      bot: { id: finding.botId },
      block: { number: block.number, hash: block.hash, timestamp, chainId: block.chainId },
    },
  }
}
