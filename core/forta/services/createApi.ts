import { buildSchema, graphql } from 'graphql'
import { messageOf } from '../../base/index.ts'
import type { Store } from '../../store/index.ts'
import { labelsOf, toSdkAlert } from '../host/toSdkAlert.ts'
import { API_SCHEMA } from './apiSchema.ts'
import { type FindingFilter, readFindings, type StoredFinding } from './readAlerts.ts'

type Input = Readonly<Record<string, unknown>>

/** Forta's public API as far as the SDK asks it, over Tocsin's own findings. */
export type FortaApi = {
  /** Answers the body of a POST to /graphql. */
  readonly answer: (body: string) => Promise<string>
  /** One alert as the API gives it, by its hash. */
  readonly findAlert: (hash: string) => Promise<Input | undefined>
}

const DEFAULT_PAGE = 50
const MOST_PAGE = 1_000
/** Longest query (characters): the SDK's own have about 3,000. */
const MOST_QUERY = 20_000

const isRecord = (value: unknown): value is Input =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const record = (value: unknown): Input => (isRecord(value) ? value : {})
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
const texts = (value: unknown): readonly string[] | undefined => {
  const all = (Array.isArray(value) ? value : []).filter((one) => typeof one === 'string')
  return all.length > 0 ? all : undefined
}
const lower = (all: readonly string[] | undefined): readonly string[] | undefined =>
  all?.map((one) => one.toLowerCase())
const word = (value: string): string => value.charAt(0).toUpperCase() + value.slice(1).toLowerCase()
const pageOf = (input: Input): number =>
  Math.min(MOST_PAGE, Math.max(1, number(input['first']) ?? DEFAULT_PAGE))
const dayS = (value: unknown, isEnd: boolean): number | undefined => {
  const day = text(value)
  const ms = day === undefined ? Number.NaN : Date.parse(day.slice(0, 10))
  return Number.isNaN(ms) ? undefined : ms / 1_000 + (isEnd ? 86_399 : 0)
}
/** Milliseconds ago, as the API counts, in seconds of the clock. */
const agoS = (value: unknown, nowMs: number): number | undefined => {
  const ago = number(value)
  return ago === undefined ? undefined : Math.floor((nowMs - ago) / 1_000)
}

const alertFilter = (
  input: Input,
  nameOf: (id: string) => string,
  nowMs: number,
): FindingFilter => {
  const days = record(input['blockDateRange'])
  const blocks = record(input['blockNumberRange'])
  const after = record(input['after'])
  const [afterId, afterBlock] = [text(after['alertId']), number(after['blockNumber'])]
  const alertId = text(input['alertId'])
  return {
    chainId: number(input['chainId']),
    botIds: texts(input['bots'])?.map(nameOf),
    alertIds: alertId ? [alertId] : texts(input['alertIds']),
    id: text(input['alertHash'])?.replace(/^0x/, '').toLowerCase(),
    name: text(input['alertName']),
    addresses: lower(texts(input['addresses'])),
    severities: texts(input['severities'])?.map(word),
    txHash: text(input['transactionHash'])?.toLowerCase(),
    fromBlock: number(blocks['startBlockNumber']),
    toBlock: number(blocks['endBlockNumber']),
    fromS: agoS(input['createdSince'], nowMs) ?? dayS(days['startDate'], false),
    toS: agoS(input['createdBefore'], nowMs) ?? dayS(days['endDate'], true),
    after:
      afterId !== undefined && afterBlock !== undefined
        ? { id: afterId, blockNumber: afterBlock }
        : undefined,
    order: input['blockSortDirection'] === 'asc' ? 'asc' : 'desc',
    limit: pageOf(input) + 1,
  }
}

const blockOf = (row: StoredFinding) => ({
  chainId: row.chainId,
  number: row.blockNumber,
  hash: row.blockHash,
  timestampS: row.blockTimestampS,
})

const sourceOf = (row: StoredFinding, idOf: (name: string) => string) => ({
  ...row,
  botId: idOf(row.botId),
  labels: (Array.isArray(row.labels) ? row.labels : []) as {
    entity: string
    label: string
    confidence: number
  }[],
})

/** Bots ask by their ids of Forta or by the names of the watchlist; they are told the ids where there are any. */
export const createFortaApi = (options: {
  readonly store: Pick<Store, 'db'>
  readonly nameOf: (id: string) => string
  readonly idOf: (name: string) => string
}): FortaApi => {
  const { store, nameOf, idOf } = options
  const schema = buildSchema(API_SCHEMA)

  const alerts = async ({ input }: { readonly input?: unknown }) => {
    const asked = record(input)
    const rows = await readFindings(store, alertFilter(asked, nameOf, Date.now()))
    const page = rows.slice(0, pageOf(asked))
    const last = page.at(-1)
    return {
      alerts: page.map((row) => toSdkAlert(sourceOf(row, idOf), blockOf(row))),
      pageInfo: {
        hasNextPage: rows.length > page.length,
        endCursor: last ? { alertId: last.id, blockNumber: last.blockNumber } : null,
      },
    }
  }
  const labels = async ({ input }: { readonly input?: unknown }) => {
    const asked = record(input)
    const [block, id] = text(record(asked['after'])['pageToken'])?.split(':') ?? []
    const entities = lower(texts(asked['entities']))
    const rows = await readFindings(store, {
      botIds: texts(asked['sourceIds'])?.map(nameOf),
      entities,
      isLabelled: true,
      fromS: agoS(asked['createdSince'], Date.now()),
      toS: agoS(asked['createdBefore'], Date.now()),
      after: id === undefined ? undefined : { blockNumber: Number(block), id },
      order: 'desc',
      limit: pageOf(asked) + 1,
    })
    const page = rows.slice(0, pageOf(asked))
    const names = texts(asked['labels'])
    const type = text(asked['entityType'])?.toUpperCase()
    const events = page.flatMap((row) => {
      const createdAt = new Date(row.blockTimestampS * 1_000).toISOString()
      return labelsOf(sourceOf(row, idOf))
        .filter(isRecord)
        .filter(
          (label) =>
            (!names || names.includes(String(label['label']))) &&
            (!type || label['entityType'] === type) &&
            (!entities || entities.includes(String(label['entity']).toLowerCase())) &&
            (asked['state'] === undefined || asked['state'] === null
              ? true
              : (label['remove'] !== true) === asked['state']),
        )
        .map((label, at) => ({
          createdAt,
          id: `${row.id}-${at}`,
          label,
          source: {
            alertHash: `0x${row.id}`,
            alertId: row.alertId,
            bot: { id: idOf(row.botId) },
            chainId: row.chainId,
            id: idOf(row.botId),
          },
        }))
    })
    const last = page.at(-1)
    return {
      labels: events,
      pageInfo: {
        hasNextPage: rows.length > page.length,
        endCursor: last ? { pageToken: `${last.blockNumber}:${last.id}` } : null,
      },
    }
  }

  return {
    findAlert: async (hash) => {
      const { alerts: found } = await alerts({ input: { alertHash: hash, first: 1 } })
      return found[0]
    },
    answer: async (body) => {
      try {
        const asked = record(JSON.parse(body))
        const source = text(asked['query']) ?? ''
        if (source.length > MOST_QUERY) throw new Error('the query is too long')
        return JSON.stringify(
          await graphql({
            schema,
            source,
            rootValue: { alerts, labels },
            variableValues: record(asked['variables']),
            operationName: text(asked['operationName']),
          }),
        )
      } catch (error) {
        return JSON.stringify({ errors: [{ message: messageOf(error) }] })
      }
    },
  }
}
