import { z } from 'zod'
import { address, name, secretSchema, urlOrSecret } from './schemaWords.ts'

const words = (what: string) => z.array(z.string().min(1).max(200)).min(1).max(200).describe(what)

/** What a subscriber hears of; what is left out narrows nothing. */
export const subscriptionFilterSchema = z.strictObject({
  bot: words(
    'Ids of bots; findings about Tocsin itself come only where `tocsin` is named',
  ).optional(),
  alertId: words('Such as LARGE-TRANSFER').optional(),
  minSeverity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info']).optional(),
  chain: z.array(name).min(1).optional().describe('Keys of `chains`'),
  thing: z.array(name).min(1).optional().describe('Names of watched things'),
  address: z.array(address).min(1).max(1_000).optional().describe('Findings that name one of them'),
  protocol: words('As things of the watchlist name it').optional(),
  status: z
    .array(z.enum(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']))
    .min(1)
    .optional()
    .describe('What the finding has become: [final] waits for finality. Default: everything'),
})

const filter = subscriptionFilterSchema.default({})

/** Other teams who follow our findings. */
export const subscriptionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: urlOrSecret,
    secret: secretSchema.describe('Standard Webhooks signing secret (whsec_…)'),
    formerSecret: secretSchema
      .optional()
      .describe('The secret before this one: while it changes, requests carry both signatures'),
    format: z
      .enum(['tocsin', 'forta'])
      .default('tocsin')
      .describe('forta: the body of a Forta webhook, detections alone'),
    filter,
    allowPrivate: z
      .boolean()
      .default(false)
      .describe('The URL may lead to loopback or private addresses'),
    timeoutMs: z.int().min(100).max(60_000).default(15_000),
    giveUpAfterH: z
      .number()
      .positive()
      .max(720)
      .default(72)
      .describe('What was tried for so long (hours) is given up, so that the next can go'),
  }),
  z.strictObject({
    kind: z.literal('stream'),
    token: secretSchema.describe('Bearer token of the reader, 24 characters or more'),
    filter,
    maxReaders: z.int().min(1).max(64).default(4).describe('Connections at once'),
  }),
])

/** Fields of a subscription that are plain text once resolved. */
export const SUBSCRIPTION_SECRETS = ['url', 'secret', 'formerSecret', 'token'] as const
