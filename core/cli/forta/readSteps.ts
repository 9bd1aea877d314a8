import { readFileSync } from 'node:fs'
import { type Hex, messageOf, TocsinError } from '../../base/index.ts'
import type { RunStep } from '../../forta/light.ts'
import { EXIT } from '../exitCodes.ts'

type Raw = Readonly<Record<string, unknown>>

/** What to show a bot, beside ranges: one of these, as on the SDK's own command line. */
export type StepOptions = {
  readonly tx?: string
  readonly block?: string
  readonly alert?: string
  readonly sequence?: string
  readonly file?: string
}

const HASH = /^0x[0-9a-fA-F]{64}$/
const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wrong = (message: string, hint: string): TocsinError =>
  new TocsinError('forta.step_invalid', message, { exitCode: EXIT.invalid, hints: [hint] })

const hashOf = (text: string, what: string): Hex => {
  if (HASH.test(text)) return text as Hex
  throw wrong(`"${text.slice(0, 80)}" is no hash of ${what}.`, 'A hash is 0x and 64 digits.')
}
const blockOf = (text: string): RunStep => {
  if (/^\d{1,15}$/.test(text)) return { kind: 'block', block: Number(text) }
  return { kind: 'block', block: hashOf(text, 'a block, and no number of one') }
}
const transactionOf = (text: string): RunStep => ({
  kind: 'transaction',
  hash: hashOf(text, 'a transaction'),
})
const alertOf = (text: string): RunStep => ({ kind: 'alert', alert: hashOf(text, 'an alert') })

/** `tx0x…` is a transaction, `0x…` an alert, a number a block. */
const stepOf = (text: string): RunStep => {
  if (text.startsWith('tx')) return transactionOf(text.slice(2))
  return text.startsWith('0x') ? alertOf(text) : blockOf(text)
}

const split = (text: string): readonly string[] => {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length > 0) return parts
  throw wrong('Nothing is named.', 'Several are parted by commas.')
}

const listOf = (file: Raw, name: string): readonly unknown[] => {
  const list = file[name] ?? []
  if (Array.isArray(list)) return list
  throw wrong(`${name} of the file is no list.`, 'See docs/forta.md.')
}

/** The SDK's file: blocks first, then transactions, alerts and sequences. */
const readSteps = (path: string): readonly RunStep[] => {
  let file: unknown
  try {
    file = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw wrong(`The file ${path} cannot be read: ${messageOf(error)}.`, 'It must be JSON.')
  }
  if (!isRaw(file)) throw wrong(`The file ${path} holds no object.`, 'See docs/forta.md.')
  const written = (handler: 'handleBlock' | 'handleTransaction', event: unknown): RunStep => {
    if (isRaw(event)) return { kind: 'event', handler, event }
    throw wrong('An event of the file is no object.', 'See docs/forta.md.')
  }
  const alert = (event: unknown): RunStep => {
    if (isRaw(event) && isRaw(event['alert'])) return { kind: 'alert', alert: event['alert'] }
    throw wrong('An event of alertEvents has no alert.', 'As in {"alert": {"alertId": "…"}}.')
  }
  const all = [
    ...listOf(file, 'blockEvents').map((one) =>
      typeof one === 'string' || typeof one === 'number'
        ? blockOf(String(one))
        : written('handleBlock', one),
    ),
    ...listOf(file, 'transactionEvents').map((one) =>
      typeof one === 'string' ? transactionOf(one) : written('handleTransaction', one),
    ),
    ...listOf(file, 'alertEvents').map((one) =>
      typeof one === 'string' ? alertOf(one) : alert(one),
    ),
    ...listOf(file, 'sequenceEvents').flatMap((one) => split(String(one)).map(stepOf)),
  ]
  if (all.length > 0) return all
  throw wrong(
    `The file ${path} names no events.`,
    'It holds blockEvents, transactionEvents, alertEvents or sequenceEvents.',
  )
}

/** What is to be shown to a bot, and what the SDK's own command line would have had behind its name. */
export type ToldSteps = { readonly steps: readonly RunStep[]; readonly argv: readonly string[] }

/** The steps that the command line asks for; undefined where it asks for none. */
export const readStepOptions = (options: StepOptions): ToldSteps | undefined => {
  const { tx, block, alert, sequence, file } = options
  const given = Object.entries({ tx, block, alert, sequence, file }).filter(
    ([, text]) => text !== undefined,
  )
  const [first] = given
  if (!first) return undefined
  if (given.length > 1)
    throw wrong(
      `${given.map(([name]) => `--${name}`).join(' and ')} do not go together.`,
      'A --sequence mixes transactions, blocks and alerts.',
    )
  const [name, text = ''] = first
  const steps =
    name === 'file'
      ? readSteps(text)
      : split(text).map(
          { tx: transactionOf, block: blockOf, alert: alertOf }[name as 'tx'] ?? stepOf,
        )
  return { steps, argv: ['run', `--${name}`, text] }
}
