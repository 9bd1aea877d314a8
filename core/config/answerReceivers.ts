import { z } from 'zod'
import { secretSchema } from './schemaWords.ts'

const shared = {
  enabled: z.boolean().default(true),
  perMinute: z
    .int()
    .min(1)
    .max(60_000)
    .default(600)
    .describe('Most deliveries that are taken in a minute; more are answered by 429'),
  path: secretSchema
    .optional()
    .describe('Last part of the URL, 24 characters or more of [A-Za-z0-9_-]'),
}
const previous = secretSchema.optional().describe('The one before, while it is being changed')

/** Who answers pages, by the vendor that the answer comes back from. Secrets are references, never values. */
export const answerReceivers = [
  z.strictObject({
    kind: z.literal('pagerduty'),
    ...shared,
    secret: secretSchema.describe('Secret of the webhook subscription, version 3'),
    previous,
    token: secretSchema
      .optional()
      .describe(
        'Key of the REST API that may read: with it an answer counts for every alert that PagerDuty grouped into the incident',
      ),
    api: z
      .string()
      .regex(/^https?:\/\/\S+$/, 'a URL')
      .default('https://api.pagerduty.com')
      .describe('In Europe https://api.eu.pagerduty.com'),
  }),
  z.strictObject({
    kind: z.literal('slack'),
    ...shared,
    secret: secretSchema.describe('Signing secret of the app; its interactivity URL is /in/<name>'),
    previous,
  }),
  z.strictObject({
    kind: z.literal('telegram'),
    ...shared,
    secret: secretSchema.describe('`secret_token` that setWebhook was given'),
    previous,
    token: secretSchema
      .optional()
      .describe('Token of the bot: with it the buttons give way to who answered'),
  }),
  z.strictObject({
    kind: z.literal('twilio'),
    ...shared,
    secret: secretSchema.describe(
      'Auth token of the account; `intake.url` must be what Twilio calls',
    ),
    previous,
  }),
  z.strictObject({
    kind: z.literal('discord'),
    ...shared,
    publicKey: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, '64 hexadecimal digits')
      .describe('Public key of the application that owns the webhook'),
  }),
] as const
