import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { TocsinError } from '../base/index.ts'

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

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
const boundTo = ({ id, act }: Place): Buffer => Buffer.from(JSON.stringify([id, act]))

/** Closes a text so that only what the button itself carries opens it. */
export const seal = (place: Place, text: string): string => {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, keyOf(place), iv).setAAD(boundTo(place))
  const closed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), closed]).toString('base64url')
}

/** Opens what `seal` closed. @throws TocsinError `approval.not_whole` for anything else */
export const unseal = (place: Place, sealed: string): string => {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(place), bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(boundTo(place))
      .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    const opened = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
    return Buffer.concat([opened, decipher.final()]).toString('utf8')
  } catch (cause) {
    throw new TocsinError('approval.not_whole', 'This button is not as it was made.', { cause })
  }
}
