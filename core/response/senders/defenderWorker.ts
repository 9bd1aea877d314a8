import { parentPort, workerData } from 'node:worker_threads'

/** What the thread is told when it starts. The address of the service stands in its environment, where the SDK looks. */
export type DefenderWorkerInput = { readonly apiKey: string; readonly apiSecret: string }

export type DefenderSend = {
  readonly to: string
  readonly data: string
  readonly value: string
  readonly gasLimit: string
  readonly maxFeePerGas: string
  readonly maxPriorityFeePerGas: string
  readonly validUntil: string
}

export type DefenderRequest = { readonly id: number } & (
  | { readonly kind: 'relayer' }
  | { readonly kind: 'send'; readonly payload: DefenderSend }
  | { readonly kind: 'list'; readonly since: string }
  | { readonly kind: 'get'; readonly transactionId: string }
)

export type DefenderReply = { readonly id: number } & (
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number | undefined; readonly message: string }
)

const { apiKey, apiSecret }: DefenderWorkerInput = workerData

/** One client for good: the umbrella class logs in anew at every look at its property. Its retries repeat sends: none. */
const connect = async () => {
  const { Defender } = await import('@openzeppelin/defender-sdk')
  return new Defender({
    relayerApiKey: apiKey,
    relayerApiSecret: apiSecret,
    retryConfig: { retries: 0, retryDelay: () => 0 },
  }).relaySigner
}
const client = connect()

const carryOut = async (request: DefenderRequest): Promise<unknown> => {
  const relayer = await client
  switch (request.kind) {
    case 'relayer':
      return relayer.getRelayer()
    case 'send':
      return relayer.sendTransaction(request.payload)
    case 'list':
      return relayer.listTransactions({ since: new Date(request.since), limit: 100, sort: 'desc' })
    case 'get':
      return relayer.getTransaction(request.transactionId)
  }
}

const statusOf = (error: unknown): number | undefined => {
  if (typeof error !== 'object' || error === null || !('response' in error)) return undefined
  const { response } = error
  const isAnswer = typeof response === 'object' && response !== null && 'status' in response
  return isAnswer ? Number(response.status) : undefined
}

const answer = async (request: DefenderRequest): Promise<DefenderReply> => {
  try {
    return { id: request.id, ok: true, value: await carryOut(request) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id: request.id, ok: false, status: statusOf(error), message: message.slice(0, 300) }
  }
}

// From here on its deadlines count: the SDK takes a second to load.
void client.then(
  () => parentPort?.postMessage('ready'),
  (error: unknown) => {
    throw error
  },
)

parentPort?.on('message', (request: DefenderRequest) => {
  void answer(request).then((reply) => {
    // Plain data only: what cannot be cloned would throw here.
    parentPort?.postMessage(JSON.parse(JSON.stringify(reply)))
  })
})
