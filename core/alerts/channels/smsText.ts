/** What the alphabet of telephones lacks, and what stands in for it. */
const STAND_INS: Readonly<Record<string, string>> = {
  '–': '-',
  '—': '-',
  '·': '-',
  '…': '...',
  '’': "'",
  '‘': "'",
  '`': "'",
  '“': '"',
  '”': '"',
  '→': '>',
  '×': 'x',
  '‹': '<',
  '›': '>',
}
/** Letters and signs that count twice. */
const DOUBLE = /[\^{}[\]~|\\]/

const plain = (text: string): string =>
  [...text.normalize('NFKD').replace(/\p{M}/gu, '')]
    .map((letter) => STAND_INS[letter] ?? (/^[\x20-\x7e]$/.test(letter) ? letter : '?'))
    .join('')

const lengthOf = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (DOUBLE.test(letter) ? 2 : 1), 0)

/**
 * Text for an SMS of at most `max` letters as telephones count them. In their own alphabet throughout: one letter from
 * outside it would make all of it cost more than twice the room.
 */
export const smsText = (text: string, max: number): string => {
  const whole = plain(text)
  if (lengthOf(whole) <= max) return whole
  let cut = ''
  let length = 3
  for (const letter of whole) {
    length += lengthOf(letter)
    if (length > max) break
    cut += letter
  }
  return `${cut.trimEnd()}...`
}
