export type FaultCall = {
  readonly id: number | string | null
  readonly method: string
  readonly params: readonly unknown[]
}

/** What goes wrong with a call. The first five befall the whole HTTP exchange, the others one call of it. */
export type Fault =
  | {
      readonly kind: 'http'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Cuts the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Ends the body, well-formed as HTTP, in the middle of the JSON. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'delay'; readonly ms: number }
  | {
      readonly kind: 'error'
      readonly code: number
      readonly message: string
      readonly data?: unknown
    }
  | { readonly kind: 'null' }
  /** Tampers with the node's result. */
  | { readonly kind: 'map'; readonly map: (result: unknown, call: FaultCall) => unknown }

export type FaultRule = {
  /** Default: every method. */
  readonly method?: string | RegExp
  readonly fault: Fault
  /** How often it strikes. Default: for ever. */
  readonly times?: number
  /** Spares so many matching calls first. Default: 0. */
  readonly after?: number
  /** Strikes every n-th matching call. Default: 1. */
  readonly every?: number
  /** Default: every call of the method. */
  readonly when?: (call: FaultCall) => boolean
}

export type FaultBook = {
  readonly add: (rule: FaultRule) => { readonly struck: () => number; readonly remove: () => void }
  readonly clear: () => void
  /** What strikes an exchange of these calls; counts it. A fault of the transport counts exchanges, any other calls. */
  readonly strike: (calls: readonly FaultCall[]) => {
    readonly transport: Fault | undefined
    readonly of: ReadonlyMap<FaultCall, Fault>
  }
}

const TRANSPORT: ReadonlySet<Fault['kind']> = new Set([
  'http',
  'hang',
  'reset',
  'truncate',
  'delay',
])

/** Rules in order of their making; the first that applies strikes. */
export const createFaultBook = (): FaultBook => {
  let rules: { readonly rule: FaultRule; seen: number; struck: number }[] = []
  const matches = (rule: FaultRule, call: FaultCall): boolean => {
    const { method } = rule
    const isMethod =
      method === undefined ||
      (typeof method === 'string' ? method === call.method : method.test(call.method))
    return isMethod && (rule.when?.(call) ?? true)
  }
  const isDue = (entry: (typeof rules)[number]): boolean => {
    const { after = 0, every = 1, times = Number.POSITIVE_INFINITY } = entry.rule
    const place = entry.seen++ - after
    if (place < 0 || place % every !== 0 || entry.struck >= times) return false
    entry.struck++
    return true
  }
  return {
    add: (rule) => {
      const entry = { rule, seen: 0, struck: 0 }
      rules.push(entry)
      return {
        struck: () => entry.struck,
        remove: () => {
          rules = rules.filter((other) => other !== entry)
        },
      }
    },
    clear: () => {
      rules = []
    },
    strike: (calls) => {
      const of = new Map<FaultCall, Fault>()
      let transport: Fault | undefined
      for (const entry of rules) {
        const { fault } = entry.rule
        const isTransport = TRANSPORT.has(fault.kind)
        for (const call of calls) {
          if (!matches(entry.rule, call)) continue
          const isStruck = isDue(entry)
          if (isTransport) {
            if (isStruck) transport ??= fault
            break
          }
          if (isStruck && !of.has(call)) of.set(call, fault)
        }
      }
      return { transport, of }
    },
  }
}
