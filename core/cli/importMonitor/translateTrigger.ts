import type { SecretValue, Trigger } from './readFolder.ts'

/** What cannot be taken over, or not as it was: told to the operator, each by itself. */
export type Tell = (text: string) => void

const nameOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50) || 'unnamed'

export const kebab = nameOf

/** Name of an environment variable. */
export const variable = (...parts: readonly string[]): string =>
  parts
    .join('_')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')

const isSecret = (value: unknown): value is SecretValue =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && 'type' in value)

/** A reference to a secret: variables keep their names, and what stood in the file itself moves out of it. */
export const secretRef = (value: unknown, fallback: string, what: string, tell: Tell) => {
  if (isSecret(value) && typeof value === 'object') {
    const type = value.type.toLowerCase()
    if (type === 'environment' && typeof value.value === 'string') return { env: value.value }
    if (type !== 'plain')
      tell(`${what}: its secret lies in ${value.type}; set ${fallback} instead.`)
    else tell(`${what}: its secret stood in the file; set ${fallback} to it instead.`)
  } else tell(`${what}: set ${fallback}.`)
  return { env: fallback }
}

type Channel = Readonly<Record<string, unknown>>

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const email = (id: string, config: Trigger['config'], tell: Tell): Channel | undefined => {
  const to = Array.isArray(config['recipients']) ? config['recipients'] : []
  const host = text(config['host'])
  const from = text(config['sender'])
  if (!host || !from || to.length === 0) return undefined
  const port = typeof config['port'] === 'number' ? config['port'] : 465
  const user = config['username']
  const plain = typeof user === 'object' && user !== null && 'value' in user ? user.value : user
  return {
    kind: 'email',
    host,
    port,
    ...(port === 465 ? { tls: 'implicit' } : {}),
    ...(typeof plain === 'string' ? { user: plain } : {}),
    password: secretRef(config['password'], variable('OZM', id, 'PASSWORD'), `trigger ${id}`, tell),
    from,
    to,
  }
}

/** A trigger as a channel; undefined, and told, when there is none like it. */
export const translateTrigger = (
  id: string,
  { trigger_type: type, config }: Trigger,
  tell: Tell,
): Channel | undefined => {
  const what = `trigger ${id}`
  const ref = (key: string, suffix: string) =>
    secretRef(config[key], variable('OZM', id, suffix), what, tell)
  const message = config['message']
  if (message !== undefined)
    tell(`${what}: its template of title and body is not used; Tocsin writes its own messages.`)
  switch (type.toLowerCase()) {
    case 'slack':
      return { kind: 'slack-webhook', url: ref('slack_url', 'URL') }
    case 'discord':
      return { kind: 'discord', url: ref('discord_url', 'URL') }
    case 'telegram': {
      const chat = text(config['chat_id'])
      if (chat === undefined) break
      return { kind: 'telegram', token: ref('token', 'TOKEN'), chat }
    }
    case 'email': {
      const channel = email(id, config, tell)
      if (channel) return channel
      break
    }
    case 'webhook':
      tell(
        `${what}: its receiver gets Tocsin's own body, signed by Standard Webhooks; set ${variable('OZM', id, 'SECRET')} to a key whsec_….`,
      )
      return {
        kind: 'webhook',
        url: ref('url', 'URL'),
        secret: { env: variable('OZM', id, 'SECRET') },
      }
    default:
      tell(`${what}: there is no channel like "${type}"; write one, or a bot of your own.`)
      return undefined
  }
  tell(`${what}: its settings are not complete; it was left out.`)
  return undefined
}
