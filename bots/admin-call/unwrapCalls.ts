import { type Address, type CallTrace, type ChainTransaction, decodeCall, type Hex } from 'tocsin'
import { parseAbi, toEventSelector, toFunctionSelector } from 'viem/utils'
import { governorAbi, safeAbi, timelockAbi } from '../../abis/index.ts'

const multiSendAbi = parseAbi(['function multiSend(bytes transactions) payable'])
const FAILURE = toEventSelector('ExecutionFailure(bytes32,uint256)')
const MAX_PARTS = 100

export type Wrapped = { readonly to: Address; readonly input: Hex; readonly operation: number }

const selectorOf = (
  abi: typeof safeAbi | typeof timelockAbi | typeof governorAbi,
  name: string,
): Hex => {
  const item = abi.find((one) => one.type === 'function' && one.name === name)
  return item?.type === 'function' ? toFunctionSelector(item) : '0x00000000'
}

/** Functions that carry other calls in their calldata, by kind of thing. */
export const WRAPPERS: Readonly<Record<string, readonly Hex[]>> = {
  multisig: [selectorOf(safeAbi, 'execTransaction')],
  timelock: [selectorOf(timelockAbi, 'execute'), selectorOf(timelockAbi, 'executeBatch')],
  governor: [selectorOf(governorAbi, 'execute')],
}

const lower = (value: unknown): Address => String(value).toLowerCase() as Address
const isHex = (value: unknown): value is Hex => typeof value === 'string' && value.startsWith('0x')

const pairs = (targets: unknown, payloads: unknown): readonly Wrapped[] =>
  Array.isArray(targets) && Array.isArray(payloads)
    ? targets.slice(0, MAX_PARTS).flatMap((to, index) => {
        const input: unknown = payloads[index]
        return isHex(input) ? [{ to: lower(to), input, operation: 0 }] : []
      })
    : []

/** The parts of a multiSend: operation (1 byte), to (20), value (32), length (32), data. */
const unpack = (input: Hex): readonly Wrapped[] => {
  const packed = decodeCall(multiSendAbi, input)?.args['transactions']
  if (!isHex(packed)) return []
  const parts: Wrapped[] = []
  let at = 2
  while (parts.length < MAX_PARTS && packed.length - at >= 170) {
    const length = Number(BigInt(`0x${packed.slice(at + 106, at + 170)}`))
    const end = at + 170 + 2 * length
    if (!Number.isSafeInteger(end) || end > packed.length) return parts
    parts.push({
      operation: Number.parseInt(packed.slice(at, at + 2), 16),
      to: `0x${packed.slice(at + 2, at + 42).toLowerCase()}`,
      input: `0x${packed.slice(at + 170, end)}`,
    })
    at = end
  }
  return parts
}

/** What a call of a Safe, timelock or governor carries; empty for anything else. */
export const unwrapInput = (kind: string, input: Hex): readonly Wrapped[] => {
  if (kind === 'multisig') {
    const args = decodeCall(safeAbi, input)?.args
    if (!args || !isHex(args['data'])) return []
    const outer = {
      to: lower(args['to']),
      input: args['data'],
      operation: Number(args['operation']),
    }
    return [outer, ...(outer.operation === 1 ? unpack(outer.input) : [])]
  }
  const decoded = decodeCall(kind === 'timelock' ? timelockAbi : governorAbi, input)
  if (!decoded) return []
  const { name, args } = decoded
  if (name === 'execute' && isHex(args['payload']))
    return [{ to: lower(args['target']), input: args['payload'], operation: 0 }]
  return pairs(args['targets'], args['payloads'] ?? args['calldatas'])
}

/** A Safe's transaction may succeed although what it carried failed. */
export const hasFailedInside = (safe: Address, tx: ChainTransaction | undefined): boolean =>
  tx?.logs.some((log) => log.address === safe && log.topics[0] === FAILURE) ?? false

/** Plain calls inside of a call, as if a trace had shown them. */
export const unwrapCalls = (kind: string, outer: CallTrace): readonly CallTrace[] =>
  unwrapInput(kind, outer.input).flatMap((part, index): readonly CallTrace[] =>
    part.operation === 0 && outer.to !== null
      ? [
          {
            ...outer,
            type: 'CALL',
            from: outer.to,
            to: part.to,
            input: part.input,
            path: [...outer.path, index],
          },
        ]
      : [],
  )
