import { InvalidArgumentError } from 'commander'

/** For commander. */
export const parseBlock = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Say a block number.')
}

/** For commander. */
export const parseNames = (text: string): readonly string[] => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (names.length > 0) return names
  throw new InvalidArgumentError('Say one or more bot ids, separated by commas.')
}
