import { cleanText } from '../../base/index.ts'
import { accept, badSignature, isSigned, keysOf, macOf, refuse } from '../../intake/light.ts'
import type { IntakeRequest, Outcome, ReceiverKind, Verdict } from '../../intake/types.ts'
import { BUTTON, buttonPressed, note } from './pressed.ts'

export type TwilioSettings = {
  /** Auth token of the account. */
  readonly secret: string
  readonly previous?: string | undefined
}

const REPEATS_MS = 86_400_000

/**
 * What Twilio signs: the whole URL as it was called, then each field of the form, sorted by name, name and value with
 * nothing between them. A field that comes twice counts once for each value.
 */
const signedParts = (url: string, form: URLSearchParams): readonly string[] => {
  const names = [...new Set(form.keys())].sort()
  const fields = names.flatMap((key) =>
    [...new Set(form.getAll(key))].sort().map((value) => `${key}${value}`),
  )
  return [url, ...fields]
}

const FORM = { algorithm: 'sha1', encoding: 'base64' } as const

export const twilioSignature = (token: string, url: string, form: URLSearchParams): string =>
  macOf(token, signedParts(url, form), FORM)

const escapeXml = (text: string): string =>
  cleanText(text, 300)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

const twiml = (verb: 'Message' | 'Say', text: string) => ({
  status: 200 as const,
  contentType: 'text/xml',
  body: `<?xml version="1.0" encoding="UTF-8"?><Response><${verb}>${escapeXml(text)}</${verb}></Response>`,
})

const answerBy =
  (verb: 'Message' | 'Say') =>
  ([outcome]: readonly Outcome[]) =>
    twiml(verb, outcome?.text ?? 'Nothing was done.')

/** "1", "ack", "ok" or "ack 4711": the number tells which incident. */
const SMS = /^\s*(?:1|ack(?:nowledge)?|ok|yes)?\s*#?(\d{4})?\s*[.!]?\s*$/i

/** A key that was pressed in a call: 1 presses the button of the page. */
const readCall = (request: IntakeRequest, form: URLSearchParams): Verdict => {
  const button = request.query.get('b') ?? ''
  if (!BUTTON.test(button) || form.get('Digits') !== '1')
    return accept([note('a call without a 1')], { answer: twiml('Say', 'Not acknowledged.') })
  // We called, so that the person is the one who was called.
  const by = form.get('To') ?? ''
  return accept([buttonPressed({ button, by, atMs: request.atMs })], {
    once: { key: `${form.get('CallSid')}.${button}`, forMs: REPEATS_MS, repeat: 'accept' },
    answer: answerBy('Say'),
  })
}

/** Twilio: an SMS that answers a page, or a key that was pressed in a call. Nothing here can approve anything. */
export const twilioKind: ReceiverKind<TwilioSettings> = {
  kind: 'twilio',
  contentTypes: ['application/x-www-form-urlencoded'],
  read: async (request, settings) => {
    const form = new URLSearchParams(request.raw.toString('utf8'))
    const { url } = request
    if (url === undefined) return refuse(503, 'no_url', 'The public address is not configured.')
    const given = request.headers['x-twilio-signature'] ?? ''
    if (!isSigned([given], keysOf(settings), signedParts(url, form), FORM)) return badSignature()
    if (form.get('CallSid') !== null) return readCall(request, form)
    const sms = form.get('MessageSid')
    const by = form.get('From') ?? ''
    if (sms === null) return accept([note('a status')], { answer: { status: 204 } })
    const once = { key: sms, forMs: REPEATS_MS, repeat: 'accept' as const }
    const body = form.get('Body') ?? ''
    const said = body.trim() === '' ? null : SMS.exec(body)
    if (!said)
      return accept([note('an SMS that is no answer')], {
        once,
        answer: twiml('Message', 'Tocsin: reply 1 to acknowledge your page.'),
      })
    return accept(
      [
        {
          kind: 'acknowledgement',
          act: 'acknowledge',
          about: { dedupKey: `sms:${said[1] ?? 'last'}` },
          by,
          atMs: request.atMs,
          text: undefined,
        },
      ],
      { once, answer: answerBy('Message') },
    )
  },
}
