import { createHash } from 'node:crypto'
import { createTransport } from 'nodemailer'
import type { AlertMessage, Channel, SendResult } from '../types.ts'
import { networkCode } from './attempt.ts'
import { describeMessage, escapeMarks, isOver } from './describeMessage.ts'

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 40)

const escapeHtml = (text: string): string => escapeMarks(text).replaceAll('"', '&quot;')

const encodeMail = (message: AlertMessage) => {
  const { headline, summary, facts, links, runbook } = describeMessage(message)
  const lane = message.incident ?? message.alert
  const rows = facts.map(({ name, value }) => `${name}: ${value}`)
  const pages = links.map(({ text, url }) => `${text}: ${url}`)
  const last = runbook ? [`Runbook: ${runbook}`] : []
  return {
    subject: headline,
    text: [headline, '', summary, '', ...rows, '', ...pages, ...last, '', message.dedupKey].join(
      '\n',
    ),
    html: [
      `<h2>${escapeHtml(headline)}</h2><p>${escapeHtml(summary)}</p><table>`,
      ...facts.map(
        ({ name, value }) =>
          `<tr><td>${escapeHtml(name)}</td><td><code>${escapeHtml(value)}</code></td></tr>`,
      ),
      '</table>',
      ...links.map(
        ({ text, url }) => `<p><a href="${escapeHtml(url)}">${escapeHtml(text)}</a></p>`,
      ),
      runbook ? `<p>Runbook: ${escapeHtml(runbook)}</p>` : '',
      `<p><small>${escapeHtml(message.dedupKey)}</small></p>`,
    ].join(''),
    // The same for the same message, so that mail programs drop a repeat, and thread what belongs together.
    messageId: `<${idOf(message.dedupKey)}@tocsin.invalid>`,
    references: `<${idOf(lane)}@tocsin.invalid>`,
    inReplyTo: `<${idOf(lane)}@tocsin.invalid>`,
    priority:
      !isOver(message) && message.severity === 'SEV1' ? ('high' as const) : ('normal' as const),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Tocsin-Alert': message.alert },
  }
}

/** SMTP's own verdict: 4xx passes, 5xx is a refusal; without one nobody answered. */
const judgeError = (error: unknown): SendResult => {
  const code =
    error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : Number.NaN
  if (code >= 500) return { kind: 'dead', reason: `the mail server answered ${code}` }
  if (code >= 400) return { kind: 'retry', reason: `the mail server answered ${code}` }
  return { kind: 'retry', reason: `no connection (${networkCode(error)})` }
}

/**
 * Mail by SMTP, to all receivers in one message. One that some receivers refuse counts as sent; one that all refuse
 * does not.
 */
export const createEmailChannel = (options: {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly from: string
  readonly to: readonly string[]
  readonly tls: 'required' | 'implicit' | 'opportunistic'
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const stepMs = Math.floor(options.timeoutMs / 2)
  const transport = createTransport({
    host: options.host,
    port: options.port,
    secure: options.tls === 'implicit',
    requireTLS: options.tls === 'required',
    ...(options.user === undefined
      ? {}
      : { auth: { user: options.user, pass: options.password ?? '' } }),
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    name: options.name,
    kind: 'email',
    pace: { perMinute: options.perMinute, burst: 20 },
    timeoutMs: options.timeoutMs,
    send: async (message, signal) => {
      if (signal.aborted) return { kind: 'retry', reason: 'the notifier was stopped' }
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<SendResult>((resolve) => {
        const reason = `no answer within ${options.timeoutMs} ms`
        timer = setTimeout(() => resolve({ kind: 'retry', reason }), options.timeoutMs)
      })
      const mail = { ...encodeMail(message), from: options.from, to: message.to ?? [...options.to] }
      const work = transport.sendMail(mail).then((): SendResult => ({ kind: 'sent' }), judgeError)
      return Promise.race([work, limit]).finally(() => clearTimeout(timer))
    },
  }
}
