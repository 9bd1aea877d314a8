import type { Facts } from './collectFacts.ts'

export type Difference = {
  readonly section: string
  readonly expected: number
  readonly found: number
  readonly lost: readonly string[]
  readonly extra: readonly string[]
}

/** What of `a` is not in `b`, counting repeats. */
const minus = (a: readonly string[], b: readonly string[]): string[] => {
  const left = new Map<string, number>()
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1)
  return a.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
}

/** Section by section: what the kills lost, and what they added or doubled. */
export const compareFacts = (calm: Facts, chaos: Facts): readonly Difference[] =>
  Object.keys(calm.sections).map((section) => {
    const expected = calm.sections[section] ?? []
    const found = chaos.sections[section] ?? []
    return {
      section,
      expected: expected.length,
      found: found.length,
      lost: minus(expected, found),
      extra: minus(found, expected),
    }
  })
