import { TocsinError } from '../../base/index.ts'

type Raw = Readonly<Record<string, unknown>>

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const broken = (what: string): TocsinError =>
  new TocsinError('chain.traces_incomplete', `The node's traces cannot be used: ${what}.`)

/** How Parity words what geth words otherwise. */
const ERRORS: Readonly<Record<string, string>> = {
  'execution reverted': 'Reverted',
  'out of gas': 'Out of gas',
  'gas uint64 overflow': 'Out of gas',
  'max code size exceeded': 'Out of gas',
  'contract creation code storage out of gas': 'Out of gas',
  'invalid jump destination': 'Bad jump destination',
  'stack underflow': 'Stack underflow',
  'stack limit reached 1024': 'Out of stack',
  'write protection': 'Mutable Call In Static Context',
  'max call depth exceeded': 'Out of stack',
}

const errorOf = (error: string): string => {
  if (error.startsWith('invalid opcode')) return 'Bad instruction'
  if (error.startsWith('stack underflow')) return 'Stack underflow'
  return ERRORS[error] ?? error
}

const text = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? value : otherwise
const children = (call: Raw): readonly Raw[] =>
  Array.isArray(call['calls']) ? call['calls'].filter(isRaw) : []

/** Parity does not show calls of the chain's own precompiled contracts unless they move value. */
const isPrecompile = (call: Raw): boolean =>
  /^0x0{36}0[01][0-9a-f]{2}$/i.test(text(call['to'], '')) &&
  BigInt(text(call['value'], '0x0')) === 0n

const toEntry = (call: Raw, type: string): Raw => {
  const error = typeof call['error'] === 'string' ? errorOf(call['error']) : undefined
  const gasUsed = text(call['gasUsed'], '0x0')
  const from = text(call['from'], '')
  const to = text(call['to'], '')
  const value = text(call['value'], '0x0')
  const gas = text(call['gas'], '0x0')
  const input = text(call['input'], '0x')
  const output = text(call['output'], '0x')
  if (type === 'SELFDESTRUCT' || type === 'SUICIDE')
    return {
      type: 'suicide',
      action: { address: from, refundAddress: to, balance: value },
      result: null,
    }
  // What was reverted on purpose has an outcome all the same: the reason.
  const outcome = (result: Raw): Raw => {
    if (error === undefined) return { result }
    return { error, result: error === 'Reverted' ? result : null }
  }
  if (type === 'CREATE' || type === 'CREATE2')
    return {
      type: 'create',
      action: { from, gas, value, init: input, creationMethod: type.toLowerCase() },
      // What failed created nothing.
      ...outcome({ ...(error === undefined ? { address: to } : {}), code: output, gasUsed }),
    }
  return {
    type: 'call',
    action: {
      callType: type.toLowerCase(),
      from,
      to,
      gas,
      input,
      value: type === 'STATICCALL' ? '0x0' : value,
    },
    ...outcome({ gasUsed, output }),
  }
}

/**
 * The tree of geth's callTracer as Parity's list: depth first, each with its address in the tree. The gas of a top call
 * is that of the whole transaction, as geth counts it.
 * @throws TocsinError `chain.traces_incomplete`
 */
export const toParityTraces = (
  root: unknown,
  at: {
    readonly blockHash: string
    readonly blockNumber: number
    readonly transactionHash: string
    readonly transactionPosition: number
  },
): readonly Raw[] => {
  const entries: Raw[] = []
  const stack: { readonly call: unknown; readonly path: readonly number[] }[] = [
    { call: root, path: [] },
  ]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { call, path } = next
    // A hash that anvil does not know gives an object of another shape instead of an error.
    if (!isRaw(call) || typeof call['type'] !== 'string') throw broken('there is no call')
    const inner = children(call).filter((one) => !isPrecompile(one))
    entries.push({
      ...toEntry(call, call['type'].toUpperCase()),
      subtraces: inner.length,
      traceAddress: path,
      ...at,
    })
    for (let index = inner.length - 1; index >= 0; index--)
      stack.push({ call: inner[index], path: [...path, index] })
  }
  return entries
}
