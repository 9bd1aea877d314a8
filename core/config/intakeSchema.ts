import { z } from 'zod'
import { answerReceivers } from './answerReceivers.ts'
import { address, name, secretSchema } from './schemaWords.ts'

const findingSeverity = z.enum(['Critical', 'High', 'Medium', 'Low', 'Info'])

const pathSecret = secretSchema.describe(
  'Last part of the URL, 24 characters or more of [A-Za-z0-9_-]: who does not know it finds nothing there',
)

const shared = {
  enabled: z.boolean().default(true),
  perMinute: z
    .int()
    .min(1)
    .max(60_000)
    .default(600)
    .describe('Most deliveries that are taken in a minute; more are answered by 429'),
}

/** Of receivers whose events become findings. */
const finds = {
  ...shared,
  maxSeverity: findingSeverity
    .default('High')
    .describe('What is told as graver counts as this: a stranger wakes nobody by a word'),
  owner: name.optional().describe('Who is told of what concerns no watched thing'),
}

const secret = secretSchema.describe('Key of its signatures, 16 characters or more')
const previous = secretSchema.optional().describe('The key before, while it is being changed')
const freshS = z
  .int()
  .min(10)
  .max(86_400)
  .default(300)
  .describe('Deliveries whose signed time is further off are refused (s)')

const pointer = z
  .string()
  .regex(
    /^(\/|\$)[^\s]{0,200}$/,
    'a JSON pointer such as /alert/severity, or a path $.alert.severity',
  )
const source = z.union([
  pointer,
  z.strictObject({
    at: pointer.optional(),
    default: z.union([z.string(), z.number()]).optional(),
    map: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
])

const forEachOf = pointer.optional().describe('List whose items are one finding each')

/** How a body of any shape becomes a finding. */
const mappingSchema = z.strictObject({
  each: forEachOf,
  when: z
    .array(
      z.strictObject({ at: pointer, is: z.array(z.union([z.string(), z.number(), z.boolean()])) }),
    )
    .max(10)
    .default([])
    .describe('What does not fit all of these is taken and passed over'),
  key: source.optional().describe('Tells it from others. Default: the hash of the item'),
  alertId: source.default({ default: 'EXTERNAL' }),
  title: source,
  description: source.optional(),
  severity: source.default({ default: 'Medium' }),
  type: source.optional(),
  chain: source.optional().describe('A chain id, or a name under `chains`'),
  block: source.optional(),
  blockHash: source.optional(),
  time: source.optional().describe('Seconds or milliseconds, or ISO 8601'),
  tx: source.optional(),
  addresses: z.array(source).max(20).default([]),
  state: source.optional().describe('firing, resolved: of something that lasts'),
  metadata: z.record(z.string().min(1).max(60), source).default({}),
})

/** Who may send us what, by the name that its URL has: `/in/<name>`. Secrets are references, never values. */
export const receiverSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('forta'),
    ...finds,
    path: pathSecret,
    signers: z
      .array(address)
      .max(100)
      .default([])
      .describe('Scan nodes whose token must come along. Default: the secret URL is enough'),
    bots: z
      .array(z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'a bot id of 32 bytes'))
      .max(500)
      .optional()
      .describe('Alerts of other bots are passed over'),
  }),
  z.strictObject({
    kind: z.literal('openzeppelin-monitor'),
    ...finds,
    path: pathSecret.optional(),
    secret,
    previous,
    freshS,
    networks: z
      .record(z.string().min(1).max(100), z.int().positive())
      .default({})
      .describe('Chain ids by the slugs of its networks, where these are not the usual ones'),
    severity: findingSeverity.default('Medium').describe('Its monitors have none of their own'),
    severities: z
      .record(z.string().min(1).max(200), findingSeverity)
      .default({})
      .describe('By name of the monitor'),
  }),
  z.strictObject({
    kind: z.literal('defender'),
    ...finds,
    path: pathSecret.optional(),
    secret,
    previous,
    freshS: freshS.default(600),
    severity: findingSeverity.default('Medium').describe('Where the monitor tells none'),
  }),
  z.strictObject({
    kind: z.literal('tenderly'),
    ...finds,
    path: pathSecret.optional(),
    secret: secretSchema.describe('Signing secret of the webhook'),
    previous,
    freshS: freshS.default(600),
    severity: findingSeverity.default('Medium').describe('Its alerts have none of their own'),
  }),
  z.strictObject({
    kind: z.literal('alertmanager'),
    ...finds,
    path: pathSecret.optional(),
    token: secretSchema.describe('Bearer token, 16 characters or more'),
    previous,
    severityLabel: z.string().min(1).max(100).default('severity'),
    severities: z
      .record(z.string().min(1).max(60), findingSeverity)
      .default({})
      .describe(
        'By the value of that label; page, critical, error, warning, info and the like are known',
      ),
  }),
  z.strictObject({
    kind: z.literal('generic'),
    ...finds,
    path: pathSecret.optional(),
    signature: z
      .discriminatedUnion('scheme', [
        z.strictObject({ scheme: z.literal('standard-webhooks'), freshS }),
        z.strictObject({
          scheme: z.literal('hmac'),
          header: z.string().regex(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header'),
          encoding: z.enum(['hex', 'base64']).default('hex'),
          algorithm: z.enum(['sha256', 'sha512']).default('sha256'),
          prefix: z
            .string()
            .max(20)
            .default('')
            .describe('Before the signature, such as `sha256=`'),
          timestampHeader: z
            .string()
            .regex(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header')
            .optional()
            .describe('Unix time, s or ms; signed as `<time>.<body>`'),
          idHeader: z
            .string()
            .regex(/^[A-Za-z0-9-]{1,60}$/, 'the name of a header')
            .optional(),
          freshS,
        }),
        z.strictObject({ scheme: z.literal('bearer') }),
      ])
      .default({ scheme: 'standard-webhooks', freshS: 300 }),
    secret: secretSchema.describe(
      'whsec_… of Standard Webhooks, the key of the HMAC, or the token',
    ),
    previous,
    mapping: mappingSchema,
  }),
  ...answerReceivers,
])

export const intakeSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(4_690),
  url: z
    .string()
    .regex(/^https?:\/\/\S+$/, 'a URL')
    .optional()
    .describe('Where the vendors reach it, before /in; some sign it with the body'),
  receivers: z.record(name, receiverSchema),
})

/** Fields of a receiver that are references to secrets, and so are plain text once resolved. */
export const INTAKE_SECRETS = ['path', 'secret', 'previous', 'token'] as const
