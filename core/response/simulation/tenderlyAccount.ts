import type { TransactionParameters } from '@tenderly/sdk'
import { messageOf, redactUrls, TocsinError } from '../../base/index.ts'
import { AMPLE_BALANCE, asData, bounded } from './readAnswers.ts'
import type { SimulatedCall, TenderlyCall, TenderlyWay } from './types.ts'

const BASE = 'https://api.tenderly.co'
/** The SDK knows no signal: a request that hangs ends by itself (ms). */
const TIMEOUT_MS = 2_500
const PACKAGE = '@tenderly/sdk'

export type TenderlyAccountOptions = {
  readonly account: string
  readonly project: string
  readonly accessKey: string
  readonly chainId: number
  /** Default: Tenderly's own. */
  readonly url?: string | undefined
}

/** What of the SDK's client its own types do not show: where it calls, and for how long. */
type Defaults = { baseURL?: string; timeout?: number }
const defaultsOf = (sdk: object, version: 'v1' | 'v2'): Defaults | undefined => {
  const { apiClientProvider } = sdk as {
    apiClientProvider?: {
      getApiClient?: (of: { version: string }) => { api?: { defaults?: Defaults } }
    }
  }
  return apiClientProvider?.getApiClient?.({ version })?.api?.defaults
}

const connect = async (options: TenderlyAccountOptions) => {
  const { Tenderly } = await import('@tenderly/sdk').catch((cause: unknown) => {
    throw new TocsinError('tenderly.missing', `The package ${PACKAGE} is not installed.`, {
      cause,
      hints: [`Install it beside Tocsin: \`npm install ${PACKAGE}\`.`],
      exitCode: 2,
    })
  })
  const sdk = new Tenderly({
    accountName: options.account,
    projectName: options.project,
    accessKey: options.accessKey,
    network: options.chainId,
  })
  for (const version of ['v1', 'v2'] as const) {
    const defaults = defaultsOf(sdk, version)
    if (!defaults)
      throw new TocsinError('tenderly.sdk', `This version of ${PACKAGE} is built in another way.`, {
        hints: [`Install ${PACKAGE} 0.3.`],
      })
    defaults.baseURL = `${(options.url ?? BASE).replace(/\/+$/, '')}/api/${version}`
    defaults.timeout = TIMEOUT_MS
  }
  return sdk
}

const encode = ({ from, to, data, gas, value }: SimulatedCall): TransactionParameters => ({
  from,
  // The interface asks for text; nothing stands for a contract that is created.
  to: to ?? '',
  gas: Number(gas ?? 8_000_000n),
  gas_price: '0',
  value: (value ?? 0n).toString(),
  input: data,
})

/** A sender's purse. In lower case: the SDK loses what stands under any other spelling. Undefined: it trips over none. */
const pursesOf = (calls: readonly SimulatedCall[]) => {
  const rich = calls.filter(({ value }) => value !== undefined && value > 0n)
  if (rich.length === 0) return undefined
  return Object.fromEntries(
    rich.map(({ from }) => [from.toLowerCase(), { balance: BigInt(AMPLE_BALANCE).toString() }]),
  )
}

/**
 * Tenderly's REST interface by its own SDK, loaded at the first simulation. It tells neither storage nor code that
 * changed. @throws nothing: what keeps it from answering is the sentence that it answers
 */
export const createTenderlyAccount = (options: TenderlyAccountOptions): TenderlyWay => {
  let connected: ReturnType<typeof connect> | undefined
  return async (calls, block) => {
    if (block === 'pending') return 'the account simulates by number only'
    try {
      connected ??= connect(options)
      const { simulator } = await connected
      const overrides = pursesOf(calls)
      const answers = await simulator.simulateBundle({
        transactions: calls.map(encode),
        blockNumber: block,
        ...(overrides ? { overrides } : {}),
      })
      const read = (answers ?? []).flatMap((each): TenderlyCall[] =>
        typeof each.status === 'boolean'
          ? [
              {
                success: each.status,
                data: asData(each.trace?.[0]?.output),
                changes: undefined,
                block: each.blockNumber,
              },
            ]
          : [],
      )
      return read.length === calls.length ? read : 'the answer is no simulation'
    } catch (error) {
      return bounded(redactUrls(messageOf(error)))
    }
  }
}
