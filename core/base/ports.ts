import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Resolves when something could listen there; else rejects with the system's error (`EADDRINUSE`, `EACCES`...). */
export const tryPort = (port: number, host = '127.0.0.1'): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, host, () => server.close(() => resolve()))
  })

export const isPortFree = (port: number, host?: string): Promise<boolean> =>
  tryPort(port, host).then(
    () => true,
    () => false,
  )

/** First port that the system gives to outgoing connections; Linux's default where it does not say. */
const firstEphemeralPort = (): number => {
  try {
    const first = Number.parseInt(
      readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'),
      10,
    )
    return Number.isInteger(first) ? first : 32_768
  } catch {
    return 32_768
  }
}

const LOWEST_PORT = 10_000
const TRIES = 200

/**
 * The first of `size` free ports in a row on loopback, chosen at random below the ports of outgoing connections: what
 * listens on one of those and is restarted may find that somebody's connection took it in between.
 * @throws Error when two hundred tries found none
 */
export const findFreePort = async (size = 1): Promise<number> => {
  const first = firstEphemeralPort()
  const [from, to] = first > LOWEST_PORT + 1_000 ? [LOWEST_PORT, first] : [49_152, 65_536]
  for (let tries = 0; tries < TRIES; tries++) {
    const port = from + Math.floor(Math.random() * (to - from - size))
    const free = await Promise.all(Array.from({ length: size }, (_, i) => isPortFree(port + i)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`no ${size} free ports in a row on loopback`)
}
