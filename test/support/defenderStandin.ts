import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Address, Hex } from '../../core/base/index.ts'
import type { DeskTransaction, RelayerDesk } from './relayerDesk.ts'
import type { RelayerFault, RelayerStandin } from './relayerStandin.ts'
import { type StandinAnswer, type StandinSilence, startStandinServer } from './standinServer.ts'

const wei = z.string().regex(/^\d+$/).transform(BigInt)
const requestSchema = z.strictObject({
  to: z.string().transform((text) => text.toLowerCase() as Address),
  data: z
    .string()
    .regex(/^0x([0-9a-f]{2})*$/)
    .transform((text) => text as Hex),
  value: wei,
  gasLimit: wei,
  maxFeePerGas: wei,
  maxPriorityFeePerGas: wei,
  validUntil: z.iso.datetime(),
})

const shown = (tx: DeskTransaction, address: Address, chainId: number) => ({
  transactionId: tx.id,
  hash: tx.hash ?? null,
  ...(tx.hash ? {} : { isIntent: true }),
  to: tx.to,
  from: address,
  value: '0',
  data: tx.data,
  gasLimit: Number(tx.gasLimit),
  nonce: tx.nonce,
  status: tx.status,
  chainId,
  validUntil: tx.validUntil,
  createdAt: tx.createdAt,
})

const ok = (body: unknown): StandinAnswer => ({ status: 200, body })
const no = (status: number, message: string): StandinAnswer => ({ status, body: { message } })

/** A stand-in for Defender's relayer interface, for its own SDK: log in, refresh, send, list, read. */
export const startDefenderStandin = async (
  desk: RelayerDesk,
  options: { readonly apiKey: string; readonly apiSecret: string; readonly chainId: number },
): Promise<RelayerStandin> => {
  let fault: RelayerFault = 'none'
  const tokens = new Set<string>()
  const issue = (): StandinAnswer => {
    const accessToken = randomBytes(16).toString('hex')
    tokens.add(accessToken)
    return ok({ accessToken, refreshToken: 'again' })
  }
  const logIn = (body: unknown): StandinAnswer => {
    const given = z.object({ apiKey: z.string(), secretKey: z.string() }).safeParse(body)
    const { apiKey, apiSecret } = options
    const isRight =
      given.success && given.data.apiKey === apiKey && given.data.secretKey === apiSecret
    return isRight ? issue() : no(401, 'Unauthorized')
  }
  const send = async (body: unknown): Promise<StandinAnswer | StandinSilence> => {
    if (fault === 'hang') return 'hang'
    if (fault === 'error') return no(500, 'Internal server error')
    if (fault === 'rate-limited') return no(429, 'Too many requests')
    if (fault === 'refused') return no(400, 'the receiver is not in the whitelist')
    const request = requestSchema.safeParse(body)
    if (!request.success) return no(400, request.error.message)
    const { value: _, ...rest } = request.data
    const tx = await desk.accept(rest, fault === 'intent')
    if (fault === 'reset-after') return 'reset'
    if (fault === 'hang-after') return 'hang'
    if (fault === 'error-after') return no(500, 'Internal server error')
    return ok(shown(tx, desk.address, options.chainId))
  }
  const list = async (url: URL): Promise<StandinAnswer> => {
    const since = Date.parse(url.searchParams.get('since') ?? '1970-01-01T00:00:00Z')
    const made = [...desk.accepted]
      .reverse()
      .filter(({ createdAt }) => Date.parse(createdAt) >= since)
    const read = await Promise.all(made.map(({ id }) => desk.read(id)))
    return ok({
      items: read.flatMap((tx) => (tx ? [shown(tx, desk.address, options.chainId)] : [])),
    })
  }
  const server = await startStandinServer(async ({ method, url, headers, body }) => {
    const path = url.pathname.replace(/^\/v2/, '')
    if (path === '/auth/login') return logIn(body)
    if (path === '/auth/refresh-token') return issue()
    const token = headers.authorization?.replace('Bearer ', '') ?? ''
    if (fault === 'unauthorized' || headers['x-api-key'] !== options.apiKey || !tokens.has(token))
      return no(401, 'Unauthorized')
    if (method === 'POST' && path === '/relayers/self/txs') return send(body)
    if (method !== 'GET') return no(404, 'not found')
    if (path === '/relayers/self')
      return ok({ relayerId: 'pauser', address: desk.address, paused: false })
    if (path === '/relayers/self/txs') return list(url)
    const tx = await desk.read(path.split('/').at(-1) ?? '')
    return tx ? ok(shown(tx, desk.address, options.chainId)) : no(404, 'not found')
  })
  return {
    ...server,
    desk,
    setFault: (next) => {
      fault = next
    },
  }
}
