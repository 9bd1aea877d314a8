import type { Address } from '../../base/index.ts'
import type { SignerRpc } from '../signerRpc.ts'
import { asData, isRecord } from './readAnswers.ts'
import type { SimulatedCall } from './types.ts'

const isAddress = (value: unknown): value is Address =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)

const asAmount = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value) ? BigInt(value) : undefined

/** The call of a transaction, as the signer's own endpoint has it; or why it cannot be had. */
export const readSuspiciousCall = async (
  rpc: SignerRpc,
  txHash: string | null,
): Promise<SimulatedCall | string> => {
  if (!txHash) return 'the finding names no transaction'
  if (!/^0x[0-9a-fA-F]{64}$/.test(txHash)) return 'what the finding names is no transaction hash'
  const answer = await rpc.ask('eth_getTransactionByHash', [txHash]).catch(() => undefined)
  if (!answer?.ok) return 'the transaction could not be read'
  const { value } = answer
  if (!isRecord(value) || !isAddress(value['from']))
    return "the signer's endpoint does not have the transaction"
  return {
    from: value['from'],
    to: isAddress(value['to']) ? value['to'] : undefined,
    data: asData(value['input']),
    gas: asAmount(value['gas']),
    value: asAmount(value['value']),
  }
}
