import { eq } from 'drizzle-orm'
import { slackBlocks, telegramText } from '../alerts/light.ts'
import type { AlertMessage } from '../alerts/types.ts'
import type { Acknowledgement } from '../intake/types.ts'
import { type Database, tables } from '../store/index.ts'

type ButtonRow = typeof tables.answerButton.$inferSelect

const LIMIT_MS = 5_000
const SLACK = 'https://hooks.slack.com'
const TELEGRAM = 'https://api.telegram.org'

/** Where vendors are; tests put stand-ins there. */
export type VendorUrls = { readonly slack?: string; readonly telegram?: string }

const readMessage = async (db: Database, button: ButtonRow): Promise<AlertMessage | undefined> => {
  const [row] = await db
    .select({ payload: tables.outbox.payload })
    .from(tables.outbox)
    .where(eq(tables.outbox.dedupKey, button.dedupKey))
  // Written by the notifier in this very form.
  return row?.payload as AlertMessage | undefined
}

const post = async (url: string, body: unknown): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    signal: AbortSignal.timeout(LIMIT_MS),
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the vendor answered ${response.status}`)
}

/** Only ever Slack itself: what the payload names is no reason to call elsewhere. */
const isSlack = (url: string, base: string): boolean =>
  URL.canParse(url) && new URL(url).origin === new URL(base).origin

const plain = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * Puts who, when and what into the place of the buttons; what was refused is told to the person alone.
 * @throws Error when the vendor does not take it
 */
export const replaceButtons = async (options: {
  readonly db: Database
  readonly event: Acknowledgement
  readonly button: ButtonRow | undefined
  readonly isDone: boolean
  readonly text: string
  readonly vendor: string
  /** Token of Telegram's bot. */
  readonly token?: string | undefined
  readonly urls?: VendorUrls | undefined
}): Promise<void> => {
  const { db, event, button, isDone, vendor, token, urls } = options
  const said = `${options.text} (${new Date(event.atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC)`
  const message = button && isDone ? await readMessage(db, button) : undefined
  const responseUrl = event.detail?.['responseUrl']
  if (vendor === 'slack' && responseUrl && isSlack(responseUrl, urls?.slack ?? SLACK)) {
    const done = {
      type: 'context',
      elements: [{ type: 'mrkdwn', verbatim: true, text: plain(said) }],
    }
    if (message) {
      const { text, blocks } = slackBlocks(message)
      await post(responseUrl, { replace_original: true, text, blocks: [...blocks, done] })
    } else {
      const body = { response_type: 'ephemeral', replace_original: false, text: plain(said) }
      await post(responseUrl, body)
    }
  }
  const chat = event.detail?.['chat']
  if (vendor === 'telegram' && token && message && chat) {
    await post(`${urls?.telegram ?? TELEGRAM}/bot${token}/editMessageText`, {
      chat_id: Number(chat),
      message_id: Number(event.detail?.['message']),
      text: `${telegramText(message)}\n<b>${plain(said)}</b>`.slice(0, 4_096),
      parse_mode: 'HTML',
      link_preview_options: { is_disabled: true },
    })
  }
}
