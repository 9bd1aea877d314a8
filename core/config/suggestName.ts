import { shown } from './fault.ts'

/** Edits between two words; swapped neighbours count as one. */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const steps = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost)
      next.push(swapped ? Math.min(steps, (before[j - 2] ?? 0) + 1) : steps)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

/** The known name that was most likely meant, or undefined when none is near. */
export const suggestName = (wrong: string, known: readonly string[]): string | undefined => {
  const text = wrong.slice(0, 60).toLowerCase()
  const limit = Math.max(text.length > 2 ? 1 : 0, Math.floor(text.length / 3))
  let best: { name: string; steps: number } | undefined
  for (const name of known.slice(0, 2_000)) {
    const steps = distance(text, name.slice(0, 60).toLowerCase())
    if (steps <= limit && (best === undefined || steps < best.steps)) best = { name, steps }
  }
  return best?.name
}

/** `Did you mean "x"?`, else the list of what is known, else a sentence saying that there is none. */
export const suggestion = (wrong: string, known: readonly string[], what: string): string => {
  const near = suggestName(wrong, known)
  if (near !== undefined) return `Did you mean "${near}"?`
  if (known.length === 0) return `There are no ${what} yet.`
  const names = [...new Set(known)]
  const listed = names
    .slice(0, 12)
    .map((name) => shown(name))
    .join(', ')
  return `Known ${what}: ${listed}${names.length > 12 ? ', …' : ''}.`
}
