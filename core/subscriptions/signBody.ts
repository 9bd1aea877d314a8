import { Webhook } from 'standardwebhooks'
import { TocsinError } from '../base/index.ts'

/** Headers of one request: `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
export type BodySigner = (id: string, now: Date, body: string) => Readonly<Record<string, string>>

const createKey = (subscription: string, secret: string): Webhook => {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length
  try {
    if (bytes >= 24 && bytes <= 64) return new Webhook(secret)
  } catch {
    // The library's words may quote the secret; ours follow.
  }
  throw new TocsinError(
    'subscription.bad_secret',
    `The signing secret of subscription "${subscription}" is not valid.`,
    {
      hints: [
        'It is `whsec_` and the base64 of 24 to 64 random bytes: `echo whsec_$(openssl rand -base64 32)`.',
      ],
    },
  )
}

/**
 * Signs as Standard Webhooks has it, with the former secret too while it changes.
 * @throws TocsinError `subscription.bad_secret`
 */
export const createBodySigner = (options: {
  readonly name: string
  readonly secret: string
  readonly formerSecret?: string | undefined
}): BodySigner => {
  const secrets = [options.secret, ...(options.formerSecret ? [options.formerSecret] : [])]
  const keys = secrets.map((secret) => createKey(options.name, secret))
  return (id, now, body) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': keys.map((key) => key.sign(id, now, body)).join(' '),
  })
}
