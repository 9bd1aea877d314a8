/** The part of Forta's public API that the SDK asks: `getAlerts` and `getLabels`. */
export const API_SCHEMA = `
scalar JSON
scalar NonNegativeInt
enum Sort { asc desc }
input AlertEndCursorInput { alertId: String blockNumber: NonNegativeInt }
input LabelEndCursorInput { pageToken: String }
input scanNodeFilters { gte: NonNegativeInt lte: NonNegativeInt }
input DateRange { startDate: String endDate: String }
input BlockRange { startBlockNumber: NonNegativeInt endBlockNumber: NonNegativeInt }
input TimestampRange { startTimestamp: NonNegativeInt endTimestamp: NonNegativeInt }
input AlertsInput {
  bots: [String] addresses: [String] after: AlertEndCursorInput alertId: String alertIds: [String]
  alertHash: String alertName: String blockDateRange: DateRange blockNumberRange: BlockRange
  blockTimestampRange: TimestampRange blockSortDirection: Sort chainId: NonNegativeInt
  createdSince: NonNegativeInt createdBefore: NonNegativeInt first: NonNegativeInt projectId: String
  scanNodeConfirmations: scanNodeFilters severities: [String] transactionHash: String
}
input LabelsInput {
  entities: [String] entityType: String labels: [String] sourceIds: [String] state: Boolean
  after: LabelEndCursorInput first: NonNegativeInt createdBefore: NonNegativeInt
  createdSince: NonNegativeInt
}
type Contract { address: String name: String projectId: String }
type Project { id: String name: String }
type Bot {
  chainIds: [Int] createdAt: String description: String developer: String docReference: String
  enabled: Boolean id: String image: String name: String reference: String repository: String
  projects: [String] scanNodes: [String] version: String imageHash: String manifest: String
}
type Block { number: NonNegativeInt hash: String timestamp: String chainId: NonNegativeInt }
type SourceAlert { hash: String botId: String timestamp: String chainId: NonNegativeInt }
type AlertSource { transactionHash: String bot: Bot block: Block sourceAlert: SourceAlert }
type Label {
  label: String confidence: Float entity: String entityType: String remove: Boolean metadata: JSON
  uniqueKey: String
}
type BloomFilter { bitset: String k: String m: String itemCount: Int }
type Alert {
  alertId: String addresses: [String] contracts: [Contract] createdAt: String description: String
  hash: String metadata: JSON name: String projects: [Project] protocol: String scanNodeCount: Int
  severity: String source: AlertSource alertDocumentType: String findingType: String
  relatedAlerts: [String] chainId: NonNegativeInt labels: [Label] addressBloomFilter: BloomFilter
  truncated: Boolean
}
type AlertEndCursor { alertId: String blockNumber: NonNegativeInt }
type AlertPageInfo { hasNextPage: Boolean! endCursor: AlertEndCursor }
type AlertsResponse { alerts: [Alert] pageInfo: AlertPageInfo }
type LabelSource { alertHash: String alertId: String bot: Bot chainId: NonNegativeInt id: String }
type LabelEvent { createdAt: String id: String label: Label source: LabelSource }
type LabelEndCursor { pageToken: String }
type LabelPageInfo { hasNextPage: Boolean! endCursor: LabelEndCursor }
type LabelsResponse { labels: [LabelEvent] pageInfo: LabelPageInfo }
type Query { alerts(input: AlertsInput): AlertsResponse labels(input: LabelsInput): LabelsResponse }
`
