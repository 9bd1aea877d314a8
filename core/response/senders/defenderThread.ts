import { Worker } from 'node:worker_threads'
import { messageOf, TocsinError } from '../../base/index.ts'
import type { DefenderReply, DefenderRequest, DefenderWorkerInput } from './defenderWorker.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
export type DefenderQuestion = WithoutId<DefenderRequest>

export type DefenderAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number | undefined; readonly message: string }

/** Defender's SDK in a thread that is ended when a call does not come back. */
export type DefenderThread = {
  /** Throws `relay.unreachable` when there was no answer in time. */
  readonly ask: (question: DefenderQuestion, signal?: AbortSignal) => Promise<DefenderAnswer>
  readonly stop: () => Promise<void>
}

/** Node does not load sources in a thread, not even where the main thread was told how. */
const startWorker = (workerData: DefenderWorkerInput, url: string): Worker => {
  // Nothing else of the environment: the SDK takes addresses and proxies from it.
  const options = { workerData, env: { DEFENDER_API_URL: url } }
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./defenderWorker.js', import.meta.url), options)
  const source = new URL('./defenderWorker.ts', import.meta.url).href
  const loader = import.meta.resolve('tsx/esm/api')
  return new Worker(
    `import('${loader}').then(({ register }) => { register(); return import('${source}') })`,
    { ...options, eval: true },
  )
}

type Waiting = {
  readonly resolve: (reply: DefenderReply) => void
  readonly reject: (error: unknown) => void
}
type Running = {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
  readonly ready: Promise<void>
}

/** How long the SDK may take to load (ms). */
const LOAD_MS = 60_000

export const createDefenderThread = (options: {
  readonly url: string
  readonly apiKey: string
  readonly apiSecret: string
  readonly timeoutMs: number
}): DefenderThread => {
  let running: Running | undefined
  let lastId = 0
  const end = async (one: Running | undefined, reason: string): Promise<void> => {
    if (!one) return
    if (running === one) running = undefined
    for (const { reject } of one.waiting.values())
      reject(new TocsinError('relay.unreachable', `Defender did not answer: ${reason}`))
    one.waiting.clear()
    await one.worker.terminate()
  }
  const start = (): Running => {
    if (running) return running
    const { apiKey, apiSecret, url } = options
    const worker = startWorker({ apiKey, apiSecret }, url)
    let setReady: () => void = () => undefined
    const ready = new Promise<void>((resolve) => {
      setReady = resolve
    })
    const one: Running = { worker, waiting: new Map(), ready }
    worker.on('message', (reply: DefenderReply | 'ready') => {
      if (reply === 'ready') {
        setReady()
        return
      }
      one.waiting.get(reply.id)?.resolve(reply)
      one.waiting.delete(reply.id)
    })
    worker.on('error', (error) => void end(one, messageOf(error).slice(0, 200)))
    worker.on('exit', () => void end(one, 'its thread ended'))
    running = one
    return one
  }
  return {
    ask: async (question, signal) => {
      const one = start()
      const id = ++lastId
      const reply = new Promise<DefenderReply>((resolve, reject) => {
        one.waiting.set(id, { resolve, reject })
      })
      one.worker.postMessage({ ...question, id })
      // The SDK takes no signal, and some of its calls go on for ever: the thread ends with them.
      const limit = (ms: number): NodeJS.Timeout =>
        setTimeout(() => void end(one, `no answer within ${ms} ms`), ms)
      let timer = limit(LOAD_MS)
      void one.ready.then(() => {
        clearTimeout(timer)
        if (one.waiting.has(id)) timer = limit(options.timeoutMs)
      })
      const cut = (): void => void end(one, 'the signer stops')
      signal?.addEventListener('abort', cut, { once: true })
      try {
        return await reply
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', cut)
      }
    },
    stop: () => end(running, 'the signer stops'),
  }
}
