import { z } from 'zod'
import type { ConsoleContext } from '../principal.ts'

const connection = z.object({
  incoming: z.object({ socket: z.object({ remoteAddress: z.string() }) }),
})

const plain = (address: string): string => address.trim().replace(/^::ffff:/, '')

/** Where a request comes from: the connection's far end, or what a trusted proxy says of its own. */
export const clientAddress = (c: ConsoleContext, proxies: readonly string[]): string => {
  const parsed = connection.safeParse(c.env)
  if (!parsed.success) return 'unknown'
  const address = plain(parsed.data.incoming.socket.remoteAddress)
  if (!proxies.includes(address)) return address
  // The last one that is no proxy of ours: what stands before it anybody may have written.
  const hops = (c.req.header('x-forwarded-for') ?? '').slice(-1_000).split(',')
  const own = hops
    .map(plain)
    .filter((hop) => hop !== '' && !proxies.includes(hop))
    .at(-1)
  return own?.slice(0, 64) ?? address
}
