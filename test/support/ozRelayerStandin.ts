import { z } from 'zod'
import type { Address, Hex } from '../../core/base/index.ts'
import type { DeskTransaction, RelayerDesk } from './relayerDesk.ts'
import type { RelayerFault, RelayerStandin } from './relayerStandin.ts'
import { type StandinAnswer, type StandinSilence, startStandinServer } from './standinServer.ts'

const wei = z.int().min(0).transform(BigInt)
const requestSchema = z.strictObject({
  to: z.string().transform((text) => text.toLowerCase() as Address),
  value: z.int(),
  data: z
    .string()
    .regex(/^0x([0-9a-f]{2})*$/)
    .transform((text) => text as Hex),
  gas_limit: wei,
  max_fee_per_gas: wei,
  max_priority_fee_per_gas: wei,
  valid_until: z.iso.datetime(),
})

const shown = (tx: DeskTransaction, address: Address) => ({
  id: tx.id,
  ...(tx.hash ? { hash: tx.hash } : {}),
  status: tx.status,
  status_reason: null,
  created_at: tx.createdAt,
  gas_limit: Number(tx.gasLimit),
  nonce: tx.nonce,
  value: '0',
  from: address,
  to: tx.to,
  relayer_id: 'pauser',
  data: tx.data,
})

const ok = (data: unknown, status = 200): StandinAnswer => ({
  status,
  body: { success: true, data, error: null },
})
const no = (status: number, error: string): StandinAnswer => ({
  status,
  body: { success: false, data: null, error },
})

/** A stand-in for OpenZeppelin Relayer, by its published interface: one relayer, `pauser`, and one key. */
export const startOzRelayerStandin = async (
  desk: RelayerDesk,
  apiKey: string,
): Promise<RelayerStandin> => {
  let fault: RelayerFault = 'none'
  const root = '/api/v1/relayers/pauser'
  const send = async (body: unknown): Promise<StandinAnswer | StandinSilence> => {
    if (fault === 'hang') return 'hang'
    if (fault === 'error') return no(500, 'internal error')
    if (fault === 'rate-limited') return no(429, 'too many requests')
    if (fault === 'refused') return no(400, 'the receiver is not in the whitelist')
    const request = requestSchema.safeParse(body)
    if (!request.success) return no(400, request.error.message)
    const { data } = request
    const tx = await desk.accept(
      {
        to: data.to,
        data: data.data,
        gasLimit: data.gas_limit,
        maxFeePerGas: data.max_fee_per_gas,
        maxPriorityFeePerGas: data.max_priority_fee_per_gas,
        validUntil: data.valid_until,
      },
      fault === 'intent',
    )
    if (fault === 'reset-after') return 'reset'
    if (fault === 'hang-after') return 'hang'
    if (fault === 'error-after') return no(500, 'internal error')
    return ok(shown(tx, desk.address), 201)
  }
  const list = async (url: URL): Promise<StandinAnswer> => {
    const size = Number(url.searchParams.get('per_page') ?? 10)
    const from = (Number(url.searchParams.get('page') ?? 1) - 1) * size
    const newest = [...desk.accepted].reverse().slice(from, from + size)
    const read = await Promise.all(newest.map(({ id }) => desk.read(id)))
    return ok(read.flatMap((tx) => (tx ? [shown(tx, desk.address)] : [])))
  }
  const server = await startStandinServer(async ({ method, url, headers, body }) => {
    if (fault === 'unauthorized' || headers.authorization !== `Bearer ${apiKey}`)
      return no(401, 'Unauthorized')
    if (method === 'POST' && url.pathname === `${root}/transactions`) return send(body)
    if (method === 'GET' && url.pathname === root)
      return ok({ id: 'pauser', address: desk.address, paused: false, system_disabled: false })
    if (method === 'GET' && url.pathname === `${root}/transactions/`) return list(url)
    const id = url.pathname.split('/').at(-1) ?? ''
    const tx = method === 'GET' ? await desk.read(id) : undefined
    return tx ? ok(shown(tx, desk.address)) : no(404, 'not found')
  })
  return {
    ...server,
    desk,
    setFault: (next) => {
      fault = next
    },
  }
}
