import type { Acknowledgement, IntakeEvent } from '../../intake/types.ts'

export const note = (text: string): IntakeEvent => ({ kind: 'note', text: text.slice(0, 200) })

/** JSON that came signed; undefined when it is none. */
export const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the button of a message says: the opaque word that it carries. */
export const buttonPressed = (options: {
  readonly button: string
  readonly by: string
  readonly atMs: number
  readonly detail?: Readonly<Record<string, string>>
}): Acknowledgement => ({
  kind: 'acknowledgement',
  act: 'acknowledge',
  about: { dedupKey: `button:${options.button}` },
  by: options.by,
  atMs: options.atMs,
  text: undefined,
  detail: { ...options.detail, button: options.button },
})

/** What a button carries, wherever it stands. */
export const BUTTON = /^[0-9a-f]{32}$/
