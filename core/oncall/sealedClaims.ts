import { hkdfSync } from 'node:crypto'
import { openText, sealText, TocsinError } from '../base/index.ts'

type Place = {
  /** What the button carries. The database has its hash alone, and that opens nothing. */
  readonly button: string
  /** Under which the database knows it. */
  readonly id: string
  readonly act: string
}

const keyOf = ({ button, id }: Place): Buffer =>
  Buffer.from(hkdfSync('sha256', button, id, 'tocsin answer button v1', 32))

/** What was sealed for one button opens in no other row, and for no other answer. */
const boundTo = ({ id, act }: Place): string => JSON.stringify([id, act])

/** Closes a text so that only what the button itself carries opens it. */
export const seal = (place: Place, text: string): string =>
  sealText(keyOf(place), boundTo(place), text)

/** Opens what `seal` closed. @throws TocsinError `approval.not_whole` for anything else */
export const unseal = (place: Place, sealed: string): string => {
  const text = openText(keyOf(place), boundTo(place), sealed)
  if (text === undefined)
    throw new TocsinError('approval.not_whole', 'This button is not as it was made.')
  return text
}
