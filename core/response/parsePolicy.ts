import { isAddress } from 'viem/utils'
import {
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import { z } from 'zod'
import { type Address, type Hex, stableHash } from '../base/index.ts'
import { suggestion } from '../config/index.ts'
import type { ActionDefinition, LoadedPolicy, Policy } from './types.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes')
const address = z
  .string()
  .refine(
    (text) => isAddress(text),
    'an address is 0x and 40 hexadecimal digits with a right checksum',
  )
  .transform((text) => text.toLowerCase() as Address)
const bytes = (count?: number) =>
  z
    .string()
    .regex(
      count === undefined ? /^0x([0-9a-fA-F]{2})+$/ : new RegExp(`^0x[0-9a-fA-F]{${count * 2}}$`),
      count === undefined
        ? 'bytes are 0x and pairs of hexadecimal digits'
        : `0x and ${count * 2} hexadecimal digits`,
    )
    .transform((text) => text.toLowerCase() as Hex)
const UNITS: Readonly<Record<string, number>> = { wei: 0, gwei: 9, ether: 18 }
const parseAmount = (text: string): bigint | undefined => {
  const match = /^(\d{1,30})(?:\.(\d{1,18}))?(?: (wei|gwei|ether))?$/.exec(text.replaceAll('_', ''))
  if (!match) return undefined
  const decimals = UNITS[match[3] ?? 'wei'] ?? 0
  const fraction = match[2] ?? ''
  if (fraction.length > decimals) return undefined
  return (
    BigInt(match[1] ?? '0') * 10n ** BigInt(decimals) +
    BigInt(fraction.padEnd(decimals, '0') || '0')
  )
}
const wei = z.union([z.string(), z.int().min(0)]).transform((value, context) => {
  const amount = parseAmount(String(value))
  if (amount !== undefined) return amount
  context.addIssue({
    code: 'custom',
    message: 'an amount is digits of wei, or a number with a unit such as "200 gwei"',
  })
  return z.NEVER
})
const positiveWei = wei.refine((amount) => amount > 0n, 'must be above zero')
const instant = z.iso.datetime({ offset: true, error: 'an instant such as 2030-01-31T00:00:00Z' })
const seconds = (max: number) => z.int().min(1).max(max)
const severity = z.enum(['Critical', 'High', 'Medium', 'Low', 'Info'])

/** The policy file. Every limit must be chosen by whoever writes it: none has a default. */
export const policySchema = z
  .strictObject({
    id: name,
    version: z.int().min(1),
    action: name,
    approvedBy: z.array(z.string().min(1).max(200)).min(1),
    approvedAt: instant,
    expiresAt: instant,
    chain: z.int().positive().describe('Chain id'),
    target: address,
    codeHash: bytes(32).describe('keccak-256 of the code at the target'),
    implementation: address.optional().describe('Expected in the EIP-1967 slot of a proxy'),
    calldata: bytes().describe('Exact bytes'),
    value: wei
      .refine((amount) => amount === 0n, 'an action never sends value: must be 0')
      .transform(() => 0n as const),
    gasLimit: z
      .union([z.string().regex(/^\d{1,9}$/), z.int()])
      .transform(BigInt)
      .refine((gas) => gas >= 21_000n && gas <= 30_000_000n, 'gas between 21000 and 30000000'),
    maxFeePerGasWei: positiveWei.describe('Never paid more, replacements included'),
    maxPriorityFeePerGasWei: positiveWei,
    maxSpendWeiPer24h: positiveWei,
    triggers: z
      .array(
        z.strictObject({
          bot: name,
          alertIds: z.array(z.string().min(1)).min(1).optional(),
          minSeverity: severity,
          things: z.array(name).min(1).optional(),
        }),
      )
      .min(1),
    freshness: z.strictObject({ blocks: z.int().min(0).max(100_000), seconds: seconds(86_400) }),
    mode: z.enum(['observe', 'propose', 'auto']),
    approval: z.strictObject({ timeoutS: seconds(7 * 86_400) }),
    limits: z.strictObject({
      maxPerWindow: z.int().min(1).max(1_000),
      windowS: seconds(366 * 86_400),
      maxLifetime: z.int().min(1).max(10_000),
    }),
    cooldownS: z
      .int()
      .min(0)
      .max(366 * 86_400),
    simulation: z.strictObject({
      mode: z.enum(['required', 'best-effort']),
      onUnavailable: z.enum(['proceed', 'stop']),
      onRevert: z.literal('stop'),
    }),
    postcondition: z.strictObject({
      deadlineS: seconds(86_400),
      confirmations: z.int().min(0).max(1_000),
    }),
    replaceAfterBlocks: z.int().min(1).max(100),
    runbook: z.string().min(1),
  })
  .superRefine((policy, context) => {
    const fault = (path: string[], message: string): void => {
      context.addIssue({ code: 'custom', path, message })
    }
    if (Date.parse(policy.expiresAt) <= Date.parse(policy.approvedAt))
      fault(['expiresAt'], 'must lie after approvedAt')
    if (policy.maxPriorityFeePerGasWei > policy.maxFeePerGasWei)
      fault(['maxPriorityFeePerGasWei'], 'must not exceed maxFeePerGasWei')
    if (policy.maxSpendWeiPer24h < policy.gasLimit * policy.maxFeePerGasWei)
      fault(
        ['maxSpendWeiPer24h'],
        `does not cover one transaction at the fee cap (${policy.gasLimit * policy.maxFeePerGasWei} wei)`,
      )
    if (policy.simulation.mode === 'required' && policy.simulation.onUnavailable === 'proceed')
      fault(['simulation', 'onUnavailable'], 'must be "stop" when the simulation is required')
  })

export type PolicyFault = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Checks that only whoever knows the action types can make: the calldata is exactly what the type builds. */
const actionFaults = (
  policy: Policy,
  actions: readonly ActionDefinition[],
): readonly { path: string[]; message: string }[] => {
  const action = actions.find(({ id }) => id === policy.action)
  if (!action)
    return [
      {
        path: ['action'],
        message: `unknown action "${policy.action}"; known: ${actions.map(({ id }) => id).join(', ')}`,
      },
    ]
  const selector = policy.calldata.slice(0, 10)
  if (!action.selectors.some((allowed) => allowed === selector))
    return [
      {
        path: ['calldata'],
        message: `selector ${selector} is not one that "${action.id}" may call (${action.selectors.join(', ')}); Tocsin only ever raises a guard`,
      },
    ]
  const expected = action.encode(policy)
  return policy.calldata === expected
    ? []
    : [
        {
          path: ['calldata'],
          message: `is not the calldata that "${action.id}" builds (${expected})`,
        },
      ]
}

/** The parser's own words name the place once more, and speak of its functions. */
const yamlMessage = (error: YAMLError): string => {
  if (error.code === 'DUPLICATE_KEY') return 'a key stands here a second time'
  if (error.code === 'MULTIPLE_DOCS') return 'a second document begins here; one file holds one'
  const [line = ''] = error.message.split('\n')
  return line.replace(/ at line \d+, column \d+:?$/, '')
}

const unknownKey = (key: string, path: readonly PropertyKey[]): string => {
  const known = path.length === 0 ? Object.keys(policySchema.shape) : []
  const mend = known.length === 0 ? '' : ` ${suggestion(key, known, 'keys')}`
  return `unknown key.${mend}`.replace(/\.$/, '')
}

const explainType = (issue: z.core.$ZodIssue, isThere: boolean): string =>
  issue.code === 'invalid_type' && !isThere ? 'is missing' : issue.message

export type ParsePolicyResult =
  | { readonly ok: true; readonly policy: LoadedPolicy }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] }

/** Parses one policy file and lists all that is wrong with it, with line and column. `expectedId` is the file's name. */
export const parsePolicy = (
  text: string,
  options: {
    readonly file: string
    readonly expectedId?: string
    readonly actions: readonly ActionDefinition[]
  },
): ParsePolicyResult => {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    // An unquoted 0x… must stay the text that was written.
    customTags: (tags) =>
      tags.filter((tag) => !(typeof tag === 'object' && 'format' in tag && tag.format === 'HEX')),
  })
  const at = (offset: number | undefined): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset ?? 0)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const locate = (path: readonly PropertyKey[]): { line: number; column: number } => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node: unknown =
        depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return at(node.range[0])
    }
    return { line: 1, column: 1 }
  }
  const locateKey = (path: readonly PropertyKey[], key: string) => {
    const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
    const pair = isMap<Node>(map)
      ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined
    return pair?.key.range ? at(pair.key.range[0]) : locate(path)
  }
  const fault = (path: readonly PropertyKey[], message: string): PolicyFault => ({
    file: options.file,
    ...locate(path),
    message: path.length > 0 ? `${path.join('.')}: ${message}` : message,
  })
  if (document.errors.length > 0)
    return {
      ok: false,
      faults: document.errors.map((error) => ({
        file: options.file,
        ...at(error.pos[0]),
        message: yamlMessage(error),
      })),
    }
  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 0 })
  } catch {
    return {
      ok: false,
      faults: [fault([], 'a policy must not use YAML aliases: write every value where it counts')],
    }
  }
  const parsed = policySchema.safeParse(raw)
  if (!parsed.success)
    return {
      ok: false,
      faults:
        raw === null
          ? [fault([], 'the file is empty')]
          : parsed.error.issues.flatMap((issue) =>
              issue.code === 'unrecognized_keys'
                ? issue.keys.map((key) => ({
                    ...fault([...issue.path, key], unknownKey(key, issue.path)),
                    ...locateKey(issue.path, key),
                  }))
                : [fault(issue.path, explainType(issue, document.hasIn(issue.path)))],
            ),
    }
  const policy: Policy = parsed.data
  const faults = actionFaults(policy, options.actions).map(({ path, message }) =>
    fault(path, message),
  )
  if (options.expectedId !== undefined && policy.id !== options.expectedId)
    faults.push(fault(['id'], `must be "${options.expectedId}", the name of its file or folder`))
  if (faults.length > 0) return { ok: false, faults }
  return {
    ok: true,
    policy: { ...policy, hash: stableHash('tocsin-policy-1', policy), file: options.file },
  }
}
