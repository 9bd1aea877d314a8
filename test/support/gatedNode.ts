import { Agent, createServer, request } from 'node:http'

export type GatedNode = {
  readonly url: string
  /** Runs `work` while no request is with the node; requests that come meanwhile wait. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  readonly stop: () => Promise<void>
}

/**
 * A way to anvil on which no read overlaps the mining of a block. anvil answers a read at the newest block's hash with
 * the next block's state when that is just being mined; no real node does.
 */
export const startGatedNode = async (upstream: string): Promise<GatedNode> => {
  const agent = new Agent({ keepAlive: true })
  const waiting: (() => void)[] = []
  let inside = 0
  let onEmpty: (() => void) | undefined
  let isClosed = false

  const enter = (): Promise<void> => {
    if (!isClosed) {
      inside++
      return Promise.resolve()
    }
    return new Promise((resolve) =>
      waiting.push(() => {
        inside++
        resolve()
      }),
    )
  }
  const leave = (): void => {
    inside--
    if (inside === 0) onEmpty?.()
  }
  const forward = async (body: Buffer): Promise<{ status: number; body: Buffer }> => {
    await enter()
    try {
      return await new Promise((resolve, reject) => {
        const call = request(
          upstream,
          { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
          (answer) => {
            const parts: Buffer[] = []
            answer.on('data', (part: Buffer) => parts.push(part))
            answer.once('error', reject)
            answer.once('end', () =>
              resolve({ status: answer.statusCode ?? 502, body: Buffer.concat(parts) }),
            )
          },
        )
        call.once('error', reject)
        call.end(body)
      })
    } finally {
      leave()
    }
  }
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      forward(Buffer.concat(parts))
        .then(({ status, body }) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(body),
        )
        .catch(() => response.destroy())
    })
  })
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port for the gate')
  return {
    url: `http://127.0.0.1:${address.port}`,
    alone: async (work) => {
      isClosed = true
      try {
        if (inside > 0) await new Promise<void>((resolve) => (onEmpty = resolve))
        onEmpty = undefined
        return await work()
      } finally {
        isClosed = false
        for (const go of waiting.splice(0)) go()
      }
    },
    stop: () =>
      new Promise((resolve) => {
        agent.destroy()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
