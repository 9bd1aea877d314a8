import { createServer } from 'node:http'

export type Tap = {
  readonly method: string
  /** Before the node hears of the call, or after it answered and before anybody hears that. */
  readonly when: 'before' | 'after'
}

export type TappedNode = {
  readonly url: string
  /** Runs once at the next call that fits; the caller's connection is then cut. Resolves when it ran. */
  readonly tap: (tap: Tap, run: () => void) => Promise<void>
  /** Takes the waiting tap away. */
  readonly clear: () => void
  readonly stop: () => Promise<void>
}

type Armed = Tap & { readonly strike: () => void }

const methodsOf = (body: string): readonly string[] => {
  const calls: unknown = JSON.parse(body)
  return (Array.isArray(calls) ? calls : [calls]).map((call: { method?: unknown }) =>
    String(call.method),
  )
}

/** A way to a node on which one call can be caught, on its way there or on its way back. */
export const startTappedNode = async (upstream: string): Promise<TappedNode> => {
  let armed: Armed | undefined
  const isStruck = (methods: readonly string[], when: Tap['when']): boolean => {
    if (!armed || armed.when !== when || !methods.includes(armed.method)) return false
    const { strike } = armed
    armed = undefined
    strike()
    return true
  }
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    const forward = async (): Promise<void> => {
      const body = Buffer.concat(parts).toString()
      const methods = methodsOf(body)
      if (isStruck(methods, 'before')) return void response.destroy()
      const answer = await fetch(upstream, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const text = await answer.text()
      if (isStruck(methods, 'after')) return void response.destroy()
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
    }
    incoming.on('end', () => void forward().catch(() => response.destroy()))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port for the tap')
  return {
    url: `http://127.0.0.1:${address.port}`,
    tap: (tap, run) =>
      new Promise((resolve) => {
        armed = {
          ...tap,
          strike: () => {
            run()
            resolve()
          },
        }
      }),
    clear: () => {
      armed = undefined
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
