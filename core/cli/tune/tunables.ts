import { z } from 'zod'
import { cleanText } from '../../base/index.ts'
import type { BotDefinition } from '../../engine/types.ts'
import {
  approximate,
  compareExact,
  type Exact,
  formatExact,
  parseExact,
  shiftExact,
} from './exact.ts'

/** A parameter of a bot that is a number. */
export type Tunable = {
  readonly name: string
  readonly description: string
  /** How the watchlist writes it: as a number, or as text so that no digit is lost. */
  readonly form: 'number' | 'text'
  readonly isWhole: boolean
  readonly min: Exact | undefined
  readonly max: Exact | undefined
  readonly fallback: Exact
  /** Which way makes the bot quieter, where the bot says so (`meta({ quieter })`). */
  readonly quieter: 'higher' | 'lower' | undefined
}

type Property = Readonly<Record<string, unknown>>

const bound = (value: unknown): Exact | undefined =>
  typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER
    ? parseExact(String(value))
    : undefined

const readDefault = (value: unknown): { exact: Exact; form: Tunable['form'] } | undefined => {
  const isText = typeof value === 'string' || typeof value === 'bigint'
  if (!isText && typeof value !== 'number') return undefined
  const exact = parseExact(String(value))
  return exact && { exact, form: isText ? 'text' : 'number' }
}

/** The numeric parameters of a bot. */
export const listTunables = (bot: BotDefinition<unknown>): readonly Tunable[] => {
  const schema = z.toJSONSchema(bot.parameters, { io: 'input', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, Property>>
  }
  const defaults = bot.parameters.parse({}) as Readonly<Record<string, unknown>>
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]): readonly Tunable[] => {
    const found = readDefault(defaults[name])
    if (!found) return []
    const { quieter, description } = property
    return [
      {
        name,
        description: typeof description === 'string' ? cleanText(description, 300) : '',
        form: found.form,
        isWhole: property['type'] === 'integer' || typeof defaults[name] === 'bigint',
        min: bound(property['minimum']),
        max: bound(property['maximum']),
        fallback: found.exact,
        quieter: quieter === 'higher' || quieter === 'lower' ? quieter : undefined,
      },
    ]
  })
}

/** As it stands in the watchlist. */
export const toParameter = ({ form }: Tunable, value: Exact): string | number =>
  form === 'text' ? formatExact(value) : Number(formatExact(value))

const SERIES = [10n, 15n, 20n, 30n, 50n, 70n]
/** Values further from the present one than this factor are not tried. */
const REACH = 1_000

const isWithin = ({ min, max, isWhole }: Tunable, value: Exact): boolean =>
  (!min || compareExact(value, min) >= 0) &&
  (!max || compareExact(value, max) <= 0) &&
  (!isWhole || value.scale === 0) &&
  value.digits > 0n

const byValue = (values: readonly Exact[]): readonly Exact[] =>
  [...new Map(values.map((value) => [formatExact(value), value])).values()].sort(compareExact)

/** Up to `count` values around the present one that people would choose, the present one among them; ascending. */
export const chooseValues = (tunable: Tunable, present: Exact, count: number): readonly Exact[] => {
  const now = approximate(present)
  if (now === 0) return [present]
  const { min, max, isWhole } = tunable
  const span = min && max && isWhole ? max.digits - min.digits : undefined
  const all: Exact[] = []
  if (min && span !== undefined && span < BigInt(count))
    for (let digits = min.digits; digits <= min.digits + span; digits++)
      all.push({ digits, scale: 0 })
  else {
    const magnitude = Math.floor(Math.log10(now))
    for (let exponent = magnitude - 4; exponent <= magnitude + 4; exponent++)
      for (const digits of SERIES) all.push(shiftExact({ digits, scale: 1 }, exponent))
  }
  const distance = (value: Exact): number => Math.abs(Math.log(approximate(value) / now))
  const near = byValue(all)
    .filter((value) => isWithin(tunable, value) && distance(value) <= Math.log(REACH))
    .filter((value) => compareExact(value, present) !== 0)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, count - 1)
  return byValue([...near, present])
}
