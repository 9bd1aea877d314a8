import { z } from 'zod'
import type { FindingSeverity } from '../../base/index.ts'
import { parseStrictJson } from '../parseStrictJson.ts'
import type { Refusal } from '../types.ts'
import { badJson, badShape } from '../verdicts.ts'

/** The field may be missing or null: both mean that nothing was told. */
export const orNone = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined)

export const text = orNone(z.string())
export const texts = orNone(z.array(z.string())).transform((list) => list ?? [])

/** A number, or its digits as text, in decimal or hexadecimal; anything else that is no whole number is refused. */
export const whole = orNone(
  z.union([z.number(), z.string()]).transform((value, context) => {
    const number = typeof value === 'number' || value !== '' ? Number(value) : Number.NaN
    if (Number.isSafeInteger(number) && number >= 0) return number
    context.addIssue({ code: 'custom', message: 'not a whole number' })
    return z.NEVER
  }),
)

export const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'not a hash')
export const addressText = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'not an address')

/** Parses and judges a body at once: what it says, or why it is refused. */
export const readShape = <T extends z.ZodType>(
  raw: Uint8Array,
  schema: T,
): { readonly value: z.infer<T> } | { readonly refusal: Refusal } => {
  const json = parseStrictJson(raw)
  if (!json.ok) return { refusal: badJson(json) }
  const parsed = schema.safeParse(json.value)
  if (parsed.success) return { value: parsed.data }
  const [issue] = parsed.error.issues
  const path = issue?.path.map(String).join('.').slice(0, 80) || 'the body'
  return { refusal: badShape(`${path}: ${issue?.message ?? 'wrong'}`) }
}

const WORDS: Readonly<Record<string, FindingSeverity>> = {
  critical: 'Critical',
  crit: 'Critical',
  emergency: 'Critical',
  fatal: 'Critical',
  page: 'Critical',
  sev1: 'Critical',
  p1: 'Critical',
  high: 'High',
  error: 'High',
  major: 'High',
  sev2: 'High',
  p2: 'High',
  medium: 'Medium',
  moderate: 'Medium',
  warning: 'Medium',
  warn: 'Medium',
  minor: 'Medium',
  sev3: 'Medium',
  p3: 'Medium',
  low: 'Low',
  notice: 'Low',
  sev4: 'Low',
  p4: 'Low',
  info: 'Info',
  information: 'Info',
  informational: 'Info',
  none: 'Info',
  debug: 'Info',
  p5: 'Info',
}

/** A severity as somebody else says it; undefined for a word that nobody knows. */
export const severityOf = (word: string): FindingSeverity | undefined => {
  const key = word.trim().toLowerCase()
  return Object.hasOwn(WORDS, key) ? WORDS[key] : undefined
}

/** ISO 8601 as seconds; undefined for anything else. */
export const secondsOf = (iso: string | undefined): number | undefined => {
  if (iso === undefined || !/^\d{4}-\d{2}-\d{2}T/.test(iso)) return undefined
  const ms = Date.parse(iso)
  return Number.isFinite(ms) ? Math.floor(ms / 1_000) : undefined
}
