import { isAddress } from 'viem/utils'
import { z } from 'zod'
import type { Address, Hex } from '../base/index.ts'

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes')
  .meta({ title: 'lower-case letters, digits and dashes' })
const address = z
  .string()
  .refine(
    (text) => isAddress(text),
    'an address is 0x and 40 hexadecimal digits with a right checksum',
  )
  .meta({ title: 'address', pattern: '^0x[0-9a-fA-F]{40}$' })
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
    .meta({ title: count === undefined ? 'bytes' : `${count} bytes` })
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
const weiTitle = 'wei, or a number with `wei`, `gwei` or `ether`'
const wei = z
  .union([z.string(), z.int().min(0)])
  .meta({ title: weiTitle })
  .transform((value, context) => {
    const amount = parseAmount(String(value))
    if (amount !== undefined) return amount
    context.addIssue({
      code: 'custom',
      message: 'an amount is digits of wei, or a number with a unit such as "200 gwei"',
    })
    return z.NEVER
  })
const positiveWei = wei.refine((amount) => amount > 0n, 'must be above zero')
const instant = z.iso
  .datetime({ offset: true, error: 'an instant such as 2030-01-31T00:00:00Z' })
  .meta({ title: 'instant, ISO 8601' })
const seconds = (max: number) => z.int().min(1).max(max)
const severity = z.enum(['Critical', 'High', 'Medium', 'Low', 'Info'])

const assertions = z.strictObject({
  suspiciousReverts: z
    .enum(['required', 'report', 'off'])
    .default('report')
    .describe(
      "Whether the call of the finding's transaction, replayed after the action, must revert, or is only noted",
    ),
  canaries: z
    .array(
      z.strictObject({
        name: name.describe('What it is called in the result'),
        from: address.describe('Account that makes the call; it must be able to now'),
        to: address.describe('Contract that is called'),
        data: bytes().describe('Calldata'),
        expect: z.enum(['succeeds', 'reverts']).describe('How it must end after the action'),
      }),
    )
    .max(20)
    .default([])
    .describe('Calls of ordinary users that the simulation makes after the action. Default: none'),
  storage: z
    .array(
      z.strictObject({
        address: address.describe('Contract whose storage may change'),
        slots: z
          .array(bytes(32))
          .min(1)
          .optional()
          .describe('The slots that may. Default: any of the contract'),
      }),
    )
    .min(1)
    .optional()
    .describe('The only storage that may change. Default: not looked at'),
})

const triggers = z
  .array(
    z.strictObject({
      bot: name.describe('Bot whose finding may ask'),
      alertIds: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Its alerts that may. Default: any'),
      minSeverity: severity.describe('The least severity of the finding'),
      things: z
        .array(name)
        .min(1)
        .optional()
        .describe('Watched things of which it may speak. Default: any'),
    }),
  )
  .min(1)
  .describe('Who may ask for the action; one that fits in every field is enough')

const approval = z
  .strictObject({
    timeoutS: seconds(7 * 86_400).describe('How long a proposal waits for people (s)'),
    required: z
      .int()
      .min(1)
      .max(20)
      .default(1)
      .describe('How many different people must approve; one who denies ends it'),
    roles: z
      .array(name)
      .default([])
      .describe('Roles of `signer.approvers` that may approve; any when empty'),
    onTimeout: z
      .enum(['drop', 'execute'])
      .default('drop')
      .describe('What happens when they do not come; `execute` only while `signer.mode` is `auto`'),
  })
  .describe('How a proposal is answered')

const simulation = z
  .strictObject({
    providers: z
      .array(z.enum(['eth_simulateV1', 'debug_traceCall', 'eth_call', 'tenderly']))
      .min(1)
      .default(['eth_simulateV1', 'debug_traceCall', 'eth_call'])
      .describe('Who plays it, in the order in which they are asked'),
    assertions: assertions
      .default({ suspiciousReverts: 'report', canaries: [] })
      .describe(
        'What must hold in it besides the effect. Default: nothing; what the replay says is noted',
      ),
    mode: z
      .enum(['required', 'best-effort'])
      .describe('Whether the signer signs nothing that it could not simulate'),
    onUnavailable: z
      .enum(['proceed', 'stop'])
      .describe('What happens when nobody can tell; `stop` where it is required'),
    onRevert: z.literal('stop').describe('A simulation that fails always stops it'),
  })
  .describe('How the action is played before it is signed (drills.md)')

/** The policy file. Every limit must be chosen by whoever writes it: none has a default. */
export const policySchema = z
  .strictObject({
    id: name.describe('The name of its file or folder; answers of the watchlist name it so'),
    version: z
      .int()
      .min(1)
      .describe('Raised with every change, so that approvers see which one they sign'),
    action: name.describe('Action type (actions.md)'),
    parameters: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('What the action type wants to know beside the target'),
    approvedBy: z
      .array(z.string().min(1).max(200))
      .min(1)
      .describe('Who approved it; two different people where nobody can undo the call'),
    approvedAt: instant.describe('Before this nothing is sent'),
    expiresAt: instant.describe('From this on nothing is sent, not even for what is in flight'),
    chain: z.int().positive().describe('Chain id'),
    target: address.describe('The contract that is called'),
    codeHash: bytes(32).describe('keccak-256 of the code at the target'),
    implementation: address
      .optional()
      .describe('Expected in the EIP-1967 slot of a proxy. Default: not looked at'),
    calldata: bytes().describe('Exact bytes; those that the action type builds'),
    value: wei
      .refine((amount) => amount === 0n, 'an action never sends value: must be 0')
      .transform(() => 0n as const)
      .meta({ title: '0' })
      .describe('An action never sends value'),
    gasLimit: z
      .union([z.string().regex(/^\d{1,9}$/), z.int()])
      .meta({ title: 'whole number, 21000 to 30000000' })
      .transform(BigInt)
      .refine((gas) => gas >= 21_000n && gas <= 30_000_000n, 'gas between 21000 and 30000000')
      .describe('Of each transaction (gas)'),
    maxFeePerGasWei: positiveWei.describe('Never paid more per gas, replacements included'),
    maxPriorityFeePerGasWei: positiveWei.describe('Never tipped more per gas; see `pending`'),
    maxSpendWeiPer24h: positiveWei.describe(
      'Fees of 24 hours: what was mined at its receipt, the rest at the most that it can cost',
    ),
    triggers,
    quorum: z
      .strictObject({
        bots: z.int().min(1).max(10).describe('So many different bots must have found it'),
        endpoints: z
          .int()
          .min(1)
          .max(10)
          .describe("So many endpoints of `signer.rpc` must have the finding's block"),
      })
      .default({ bots: 1, endpoints: 1 })
      .describe('How many must agree'),
    freshness: z
      .strictObject({
        blocks: z.int().min(0).max(100_000).describe("By the signer's own head (blocks)"),
        seconds: seconds(86_400).describe('By block time (s)'),
      })
      .describe('How old a finding may be when the signer decides'),
    mode: z
      .enum(['observe', 'propose', 'auto'])
      .describe('Writes down, waits for people, or acts; `signer.mode` is a ceiling'),
    approval,
    limits: z
      .strictObject({
        maxPerWindow: z.int().min(1).max(1_000).describe('Runs within `windowS`'),
        windowS: seconds(366 * 86_400).describe('Length of that window (s)'),
        maxLifetime: z.int().min(1).max(10_000).describe('Runs in all under this id'),
      })
      .describe('How often it may run; what was signed counts'),
    cooldownS: z
      .int()
      .min(0)
      .max(366 * 86_400)
      .describe('After a finding that was answered, by block time (s); orders of people pass'),
    exclusive: z
      .boolean()
      .default(true)
      .describe(
        'Stands back while another policy acts on the target, or did within its own cooldown',
      ),
    brake: z
      .strictObject({
        maxTargets: z.int().min(1).max(1_000).describe('Different targets within `windowS`'),
        windowS: seconds(366 * 86_400).describe('Length of that window (s)'),
      })
      .default({ maxTargets: 5, windowS: 3_600 })
      .describe('Over all policies of the chain: so many at once look like a fault of the watcher'),
    simulation,
    postcondition: z
      .strictObject({
        deadlineS: seconds(86_400).describe(
          'From the decision to the effect, all senders together; then it has failed (s)',
        ),
        confirmations: z
          .int()
          .min(0)
          .max(1_000)
          .describe(
            'So many on top before it is confirmed (blocks); it is watched until its block is final',
          ),
      })
      .describe('When the effect must be seen on chain'),
    replaceAfterBlocks: z
      .int()
      .min(1)
      .max(100)
      .describe('A transaction that is not mined by then is sent again at higher fees (blocks)'),
    senders: z
      .array(
        z.strictObject({
          name: name.describe('`local`, or a name under `signer.senders`'),
          deadlineS: seconds(86_400).describe('Without an effect by then the next takes over (s)'),
        }),
      )
      .min(1)
      .max(5)
      .default([{ name: 'local', deadlineS: 86_400 }])
      .describe('Who sends it, in order (senders.md)'),
    broadcast: z
      .strictObject({
        mode: z
          .enum(['public', 'private', 'both', 'private-then-public'])
          .describe('To `signer.rpc`, `signer.privateRpc`, or both'),
        afterBlocks: z
          .int()
          .min(1)
          .max(100)
          .default(1)
          .describe('Of `private-then-public`: the public ones get it after so many (blocks)'),
      })
      .default({ mode: 'public', afterBlocks: 1 })
      .describe("Where the local sender's bytes go"),
    pending: z
      .strictObject({
        answer: z.boolean().describe('Whether a transaction that is not mined yet may trigger it'),
        maxPriorityFeePerGasWei: positiveWei
          .optional()
          .describe(
            'The most that it tips to be before the attack. Default: the tip of the policy',
          ),
      })
      .default({ answer: false })
      .describe('How attacks are answered that are not mined yet (pending.md). Default: not'),
    channels: z
      .array(name)
      .default([])
      .describe('Channels that hear of it beside those that the routes name'),
    runbook: z
      .string()
      .min(1)
      .describe('What people do when it fired or failed: a path from the file, or a URL'),
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
