import type { fromJSON } from '@grpc/proto-loader'

type Field = {
  readonly type: string
  readonly id: number
  readonly rule?: string
  readonly keyType?: string
}

/**
 * The protocol between scan nodes and bots, as data: `<number> <type>[*] <name>` per field, `*` for a list, `a>b` for a
 * map. Numbers and names are those of the network's `agent.proto` and `alert.proto`.
 */
const message = (...lines: readonly string[]): { readonly fields: Record<string, Field> } => ({
  fields: Object.fromEntries(
    lines.map((line) => {
      const [id = '', type = '', name = ''] = line.split(' ')
      const [key, value] = type.split('>')
      if (value !== undefined) return [name, { keyType: key, type: value, id: Number(id) }]
      return [
        name,
        type.endsWith('*')
          ? { rule: 'repeated', type: type.slice(0, -1), id: Number(id) }
          : { type, id: Number(id) },
      ]
    }),
  ),
})
const choice = (...names: readonly string[]) => ({
  values: Object.fromEntries(names.map((name, value) => [name, value])),
})

const ANSWER = [
  '1 ResponseStatus status',
  '2 Error* errors',
  '3 Finding* findings',
  '4 string>string metadata',
  '5 string timestamp',
  '6 uint32 latencyMs',
  '7 bool private',
]
const call = (name: string) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  comment: '',
})

type Nested = NonNullable<Parameters<typeof fromJSON>[0]['nested']>
/** Everything of package `network.forta`. */
export const AGENT_PROTOCOL: Nested = {
  Agent: {
    methods: Object.fromEntries(
      ['Initialize', 'EvaluateTx', 'EvaluateBlock', 'EvaluateAlert', 'HealthCheck'].map((name) => [
        name,
        call(name),
      ]),
    ),
  },
  Error: message('1 string message'),
  ResponseStatus: choice('UNKNOWN', 'ERROR', 'SUCCESS'),
  HealthCheckRequest: message(),
  HealthCheckResponse: message('1 ResponseStatus status', '2 Error* errors'),
  InitializeRequest: message('1 string agentId', '2 string proxyHost', '3 int32 shardId'),
  InitializeResponse: message(
    '1 ResponseStatus status',
    '2 Error* errors',
    '3 string* addresses',
    '4 AlertConfig alertConfig',
  ),
  AlertConfig: message('1 CombinerBotSubscription* subscriptions'),
  CombinerBotSubscription: message(
    '1 string botId',
    '2 string alertId',
    '3 string* alertIds',
    '4 uint64 chainId',
  ),
  EvaluateTxRequest: message('1 string requestId', '2 TransactionEvent event', '3 int32 shardId'),
  EvaluateBlockRequest: message('1 string requestId', '2 BlockEvent event', '3 int32 shardId'),
  EvaluateAlertRequest: message(
    '1 string requestId',
    '2 AlertEvent event',
    '3 string targetBotId',
    '4 int32 shardId',
  ),
  EvaluateTxResponse: message(...ANSWER),
  EvaluateBlockResponse: message(...ANSWER),
  EvaluateAlertResponse: message(...ANSWER),
  TrackingTimestamps: message(
    '1 string block',
    '2 string feed',
    '3 string botRequest',
    '4 string botResponse',
    '5 string sourceAlert',
  ),
  BlockEvent: {
    ...message(
      '1 EventType type',
      '2 string blockHash',
      '3 string blockNumber',
      '4 Network network',
      '5 EthBlock block',
      '6 TrackingTimestamps timestamps',
    ),
    nested: {
      EventType: choice('BLOCK', 'REORG'),
      Network: message('1 string chainId'),
      EthBlock: message(
        '1 string difficulty',
        '2 string extraData',
        '3 string gasLimit',
        '4 string gasUsed',
        '5 string hash',
        '6 string logsBloom',
        '7 string miner',
        '8 string mixHash',
        '9 string nonce',
        '10 string number',
        '11 string parentHash',
        '12 string receiptsRoot',
        '13 string sha3Uncles',
        '14 string size',
        '15 string stateRoot',
        '16 string timestamp',
        '17 string totalDifficulty',
        '18 string* transactions',
        '19 string transactionsRoot',
        '20 string* uncles',
        '21 string baseFeePerGas',
      ),
    },
  },
  TransactionEvent: {
    ...message(
      '1 EventType type',
      '2 EthTransaction transaction',
      '3 EthReceipt receipt',
      '4 Network network',
      '5 Trace* traces',
      '6 string>bool addresses',
      '7 EthBlock block',
      '8 Log* logs',
      '9 bool isContractDeployment',
      '10 string contractAddress',
      '11 TrackingTimestamps timestamps',
      '12 string>bool txAddresses',
    ),
    nested: {
      EventType: choice('BLOCK', 'REORG'),
      Network: message('1 string chainId'),
      EthBlock: message(
        '1 string blockHash',
        '2 string blockNumber',
        '3 string blockTimestamp',
        '4 string baseFeePerGas',
      ),
      EthTransaction: message(
        '1 string type',
        '2 string nonce',
        '3 string gasPrice',
        '4 string gas',
        '5 string value',
        '6 string input',
        '7 string v',
        '8 string r',
        '9 string s',
        '10 string to',
        '11 string hash',
        '12 string from',
        '13 string maxFeePerGas',
        '14 string maxPriorityFeePerGas',
      ),
      Log: message(
        '1 string address',
        '2 string* topics',
        '3 string data',
        '4 string blockNumber',
        '5 string transactionHash',
        '6 string transactionIndex',
        '7 string blockHash',
        '8 string logIndex',
        '9 bool removed',
      ),
      EthReceipt: message(
        '1 string root',
        '2 string status',
        '3 string cumulativeGasUsed',
        '4 string logsBloom',
        '5 Log* logs',
        '6 string transactionHash',
        '7 string contractAddress',
        '8 string gasUsed',
        '9 string blockHash',
        '10 string blockNumber',
        '11 string transactionIndex',
      ),
      TraceAction: message(
        '1 string callType',
        '2 string to',
        '3 string input',
        '4 string from',
        '5 string value',
        '6 string init',
        '7 string address',
        '8 string balance',
        '9 string refundAddress',
      ),
      TraceResult: message(
        '1 string gasUsed',
        '2 string address',
        '3 string code',
        '4 string output',
      ),
      Trace: message(
        '1 TraceAction action',
        '2 string blockHash',
        '3 int64 blockNumber',
        '4 TraceResult result',
        '5 int64 subtraces',
        '6 int64* traceAddress',
        '7 string transactionHash',
        '8 int64 transactionPosition',
        '9 string type',
        '10 string error',
      ),
    },
  },
  AlertEvent: {
    ...message('1 Alert alert', '2 TrackingTimestamps timestamps'),
    nested: {
      Alert: {
        ...message(
          '1 string alertId',
          '2 string* addresses',
          '3 Contract* contracts',
          '4 string createdAt',
          '5 string description',
          '6 string hash',
          '7 string>string metadata',
          '8 string name',
          '9 Project* projects',
          '10 int32 scanNodeCount',
          '11 string severity',
          '12 Source source',
          '13 string findingType',
          '14 string* relatedAlerts',
          '15 uint64 chainId',
          '16 Label* labels',
          '17 bool truncated',
          '18 BloomFilter addressBloomFilter',
        ),
        nested: {
          Contract: message('1 string name', '2 string projectId'),
          Project: message('1 string id'),
          Block: message(
            '1 uint64 number',
            '2 string hash',
            '3 string timestamp',
            '4 uint64 chainId',
          ),
          Bot: message(
            '1 string* chainIds',
            '2 string createdAt',
            '3 string description',
            '4 string developer',
            '5 string DocReference',
            '6 bool enabled',
            '7 string id',
            '8 string image',
            '9 string name',
            '10 string reference',
            '11 string repository',
            '12 string* projects',
            '13 string* scanNodes',
            '14 string version',
          ),
          SourceAlertEvent: message(
            '1 string botId',
            '2 string hash',
            '3 string timestamp',
            '4 uint64 chainId',
          ),
          Source: message(
            '1 string transactionHash',
            '2 Bot bot',
            '3 Block block',
            '4 SourceAlertEvent sourceAlert',
          ),
          Label: message(
            '1 string label',
            '2 float confidence',
            '3 string entity',
            '4 string entityType',
            '5 bool remove',
            '6 string* metadata',
            '7 string uniqueKey',
            '8 float* embedding',
          ),
        },
      },
    },
  },
  BloomFilter: message('1 string k', '2 string m', '3 string bitset', '4 uint32 itemCount'),
  Label: {
    ...message(
      '1 EntityType entityType',
      '2 string entity',
      '4 float confidence',
      '6 bool remove',
      '7 string label',
      '8 string* metadata',
      '9 string uniqueKey',
      '10 float* embedding',
    ),
    nested: { EntityType: choice('UNKNOWN_ENTITY_TYPE', 'ADDRESS', 'TRANSACTION', 'BLOCK', 'URL') },
  },
  Source: {
    ...message(
      '1 TransactionSource* transactions',
      '2 BlockSource* blocks',
      '3 URLSource* urls',
      '4 ChainSource* chains',
      '5 AlertSource* alerts',
      '6 CustomSource* customSources',
    ),
    nested: {
      TransactionSource: message('1 uint64 chainId', '2 string hash'),
      BlockSource: message('1 uint64 chainId', '2 string hash', '3 uint64 number'),
      URLSource: message('1 string url'),
      ChainSource: message('1 uint64 chainId'),
      AlertSource: message('1 string id'),
      CustomSource: message('1 string name', '2 string value'),
    },
  },
  Finding: {
    ...message(
      '1 string protocol',
      '2 Severity severity',
      '3 string>string metadata',
      '4 FindingType type',
      '5 string alertId',
      '6 string name',
      '7 string description',
      '9 bool private',
      '10 string* addresses',
      '11 string>double indicators',
      '12 Label* labels',
      '13 string* relatedAlerts',
      '14 string uniqueKey',
      '15 Source source',
      '16 string timestamp',
    ),
    nested: {
      Severity: choice('UNKNOWN', 'INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
      FindingType: choice(
        'UNKNOWN_TYPE',
        'EXPLOIT',
        'SUSPICIOUS',
        'DEGRADED',
        'INFORMATION',
        'SCAM',
      ),
    },
  },
}
