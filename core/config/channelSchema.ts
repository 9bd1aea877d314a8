import { z } from 'zod'
import { secretSchema, sev, urlOrSecret } from './schemaWords.ts'

const timeoutMs = z.int().min(100).max(60_000).default(10_000)
const plainUrl = (url: string) => urlOrSecret.default(url)

/** Whether a message may be sent on, and how fast, is the vendor's own published limit; a lower one can be set. */
const perMinute = (most: number) =>
  z.int().min(1).max(most).default(most).describe('Most messages that leave in a minute')

const words = 'Milder alerts do not come here, whatever the routes say'
/** A pager wakes people: what is no more than a warning waits in a queue. */
const pages = sev.default('SEV2').describe(words)
const tells = sev.default('SEV4').describe(words)

/** Ways to people. Secrets are references, never values. */
export const channelSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('console') }),
  z.strictObject({
    kind: z.literal('webhook'),
    minSeverity: tells,
    url: urlOrSecret,
    secret: secretSchema.describe('Standard Webhooks signing secret (whsec_…)'),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('pagerduty'),
    minSeverity: pages,
    routingKey: secretSchema.describe('Integration key of a service, Events API v2'),
    url: plainUrl('https://events.pagerduty.com').describe('EU: https://events.eu.pagerduty.com'),
    perMinute: perMinute(120),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('slack'),
    minSeverity: tells,
    token: secretSchema.describe('Bot token (xoxb-…) with chat:write'),
    channel: z
      .string()
      .regex(/^[A-Z0-9]{2,32}$/, 'an id such as C024BE91L, not a name')
      .describe('Id of the Slack channel'),
    url: plainUrl('https://slack.com/api'),
    perMinute: perMinute(60),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('slack-webhook'),
    minSeverity: tells,
    url: secretSchema.describe('Incoming webhook of one Slack channel: no threads, no edits'),
    perMinute: perMinute(60),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('discord'),
    minSeverity: tells,
    url: secretSchema.describe('Webhook of one Discord channel'),
    perMinute: perMinute(30),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('telegram'),
    minSeverity: tells,
    token: secretSchema.describe('Token of the bot'),
    chat: z
      .string()
      .regex(/^(-?\d{1,20}|@[A-Za-z0-9_]{4,64})$/, 'a chat id, quoted, or @name of a channel')
      .describe('Chat that the bot writes to'),
    topic: z.int().positive().optional().describe('Topic of a forum group'),
    url: plainUrl('https://api.telegram.org'),
    perMinute: perMinute(20),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('email'),
    minSeverity: tells,
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535).default(587),
    user: z.string().min(1).max(320).optional(),
    password: secretSchema.optional(),
    from: z.string().min(3).max(320),
    to: z.array(z.string().min(3).max(320)).min(1).max(50),
    tls: z
      .enum(['required', 'implicit', 'opportunistic'])
      .default('required')
      .describe('required: STARTTLS or nothing; implicit: from the first byte (port 465)'),
    perMinute: perMinute(600),
    timeoutMs: z.int().min(1_000).max(60_000).default(20_000),
  }),
  z.strictObject({
    kind: z.literal('twilio'),
    minSeverity: pages,
    accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hexadecimal digits'),
    authToken: secretSchema,
    from: z
      .string()
      .regex(/^(\+\d{5,15}|MG[0-9a-fA-F]{32})$/, 'a number as +15551234567, or a service MG…'),
    to: z
      .array(z.string().regex(/^\+\d{5,15}$/, 'a number as +15551234567'))
      .min(1)
      .max(20),
    voice: z
      .boolean()
      .optional()
      .describe('A SEV1 calls as well, and a 1 acknowledges it; needs a receiver of kind twilio'),
    url: plainUrl('https://api.twilio.com'),
    perMinute: perMinute(60),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('jira'),
    minSeverity: pages,
    apiKey: secretSchema.describe('Key of an API integration (GenieKey)'),
    url: plainUrl('https://api.atlassian.com/jsm/ops/integration').describe(
      'Opsgenie until its end in April 2027: https://api.opsgenie.com',
    ),
    team: z.string().min(1).max(100).optional().describe('Team that is paged'),
    perMinute: perMinute(300),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('alertmanager'),
    minSeverity: tells,
    urls: z
      .array(z.string().regex(/^https?:\/\/\S+$/, 'a URL'))
      .min(1)
      .max(5)
      .describe('Every instance of the cluster, never a balancer before it'),
    token: secretSchema.optional().describe('Bearer token'),
    holdS: z
      .int()
      .min(300)
      .max(2_592_000)
      .default(604_800)
      .describe('An alert that nothing more is heard of ends there after so long'),
    timeoutMs,
  }),
])

/** Fields of a channel that may be references to secrets, and so are plain text once resolved. */
export const CHANNEL_SECRETS = [
  'url',
  'secret',
  'routingKey',
  'token',
  'password',
  'authToken',
  'apiKey',
] as const
