import { isAddress } from 'viem/utils'
import { z } from 'zod'
import type { Address, Hex } from '../base/index.ts'

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

const assertions = z.strictObject({
  suspiciousReverts: z.enum(['required', 'report', 'off']).default('report'),
  canaries: z
    .array(
      z.strictObject({
        name,
        from: address,
        to: address,
        data: bytes(),
        expect: z.enum(['succeeds', 'reverts']),
      }),
    )
    .max(20)
    .default([]),
  storage: z
    .array(z.strictObject({ address, slots: z.array(bytes(32)).min(1).optional() }))
    .min(1)
    .optional(),
})

/** The policy file. Every limit must be chosen by whoever writes it: none has a default. */
export const policySchema = z
  .strictObject({
    id: name,
    version: z.int().min(1),
    action: name,
    parameters: z.record(z.string(), z.unknown()).default({}),
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
    quorum: z
      .strictObject({ bots: z.int().min(1).max(10), endpoints: z.int().min(1).max(10) })
      .default({ bots: 1, endpoints: 1 }),
    freshness: z.strictObject({ blocks: z.int().min(0).max(100_000), seconds: seconds(86_400) }),
    mode: z.enum(['observe', 'propose', 'auto']),
    approval: z.strictObject({
      timeoutS: seconds(7 * 86_400),
      required: z.int().min(1).max(20).default(1),
      roles: z.array(name).default([]),
      onTimeout: z.enum(['drop', 'execute']).default('drop'),
    }),
    limits: z.strictObject({
      maxPerWindow: z.int().min(1).max(1_000),
      windowS: seconds(366 * 86_400),
      maxLifetime: z.int().min(1).max(10_000),
    }),
    cooldownS: z
      .int()
      .min(0)
      .max(366 * 86_400),
    exclusive: z.boolean().default(true),
    brake: z
      .strictObject({ maxTargets: z.int().min(1).max(1_000), windowS: seconds(366 * 86_400) })
      .default({ maxTargets: 5, windowS: 3_600 }),
    simulation: z.strictObject({
      providers: z
        .array(z.enum(['eth_simulateV1', 'debug_traceCall', 'eth_call', 'tenderly']))
        .min(1)
        .default(['eth_simulateV1', 'debug_traceCall', 'eth_call']),
      assertions: assertions.default({ suspiciousReverts: 'report', canaries: [] }),
      mode: z.enum(['required', 'best-effort']),
      onUnavailable: z.enum(['proceed', 'stop']),
      onRevert: z.literal('stop'),
    }),
    postcondition: z.strictObject({
      deadlineS: seconds(86_400),
      confirmations: z.int().min(0).max(1_000),
    }),
    replaceAfterBlocks: z.int().min(1).max(100),
    senders: z
      .array(z.strictObject({ name, deadlineS: seconds(86_400) }))
      .min(1)
      .max(5)
      .default([{ name: 'local', deadlineS: 86_400 }]),
    broadcast: z
      .strictObject({
        mode: z.enum(['public', 'private', 'both', 'private-then-public']),
        afterBlocks: z.int().min(1).max(100).default(1),
      })
      .default({ mode: 'public', afterBlocks: 1 }),
    pending: z
      .strictObject({ answer: z.boolean(), maxPriorityFeePerGasWei: positiveWei.optional() })
      .default({ answer: false }),
    channels: z.array(name).default([]),
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
    const capWei = policy.gasLimit * policy.maxFeePerGasWei
    if (policy.maxSpendWeiPer24h < capWei)
      fault(['maxSpendWeiPer24h'], `does not cover one transaction at the fee cap (${capWei} wei)`)
    const allWei = capWei * BigInt(policy.senders.length)
    if (policy.maxSpendWeiPer24h >= capWei && policy.maxSpendWeiPer24h < allWei)
      fault(
        ['maxSpendWeiPer24h'],
        `does not cover one transaction of each sender at the fee cap (${allWei} wei): the last could not take over`,
      )
    const bots = new Set(policy.triggers.map(({ bot }) => bot)).size
    if (policy.quorum.bots > bots)
      fault(
        ['quorum', 'bots'],
        `can never be reached: the triggers name ${bots} bot${bots === 1 ? '' : 's'}`,
      )
    if (new Set(policy.senders.map(({ name: each }) => each)).size < policy.senders.length)
      fault(['senders'], 'each sender stands here once')
    const beforeLastS = policy.senders
      .slice(0, -1)
      .reduce((sum, { deadlineS }) => sum + deadlineS, 0)
    const { deadlineS } = policy.postcondition
    const last = policy.senders.at(-1)?.name ?? ''
    if (beforeLastS >= deadlineS)
      fault(
        ['senders'],
        `those before "${last}" may take ${beforeLastS} s, and postcondition.deadlineS ends everything after ${deadlineS} s: "${last}" would never get its turn. Shorten their deadlineS, or raise postcondition.deadlineS above ${beforeLastS}`,
      )
    const tip = policy.pending.maxPriorityFeePerGasWei
    if (tip !== undefined && tip > policy.maxFeePerGasWei)
      fault(['pending', 'maxPriorityFeePerGasWei'], 'must not exceed maxFeePerGasWei')
    if (policy.simulation.mode === 'required' && policy.simulation.onUnavailable === 'proceed')
      fault(['simulation', 'onUnavailable'], 'must be "stop" when the simulation is required')
  })
