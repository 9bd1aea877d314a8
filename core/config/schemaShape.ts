import { z } from 'zod'

type Shape = { readonly keys: ReadonlyMap<string, z.core.$ZodType>; readonly isOpen: boolean }

/** The schema beneath defaults and optionals. */
const bare = (schema: z.core.$ZodType): z.core.$ZodType => {
  let inner = schema
  for (let depth = 0; depth < 20; depth++) {
    if (
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault ||
      inner instanceof z.ZodNullable ||
      inner instanceof z.ZodReadonly ||
      inner instanceof z.ZodCatch
    )
      inner = inner._zod.def.innerType
    else if (inner instanceof z.ZodPipe) inner = inner._zod.def.in
    else return inner
  }
  return inner
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Members of a union that a value could be meant for, judged by its discriminator or by its keys. */
const candidates = (union: z.ZodUnion, value: unknown): readonly z.core.$ZodType[] => {
  const options = union._zod.def.options.map(bare)
  if (!isObject(value)) return options
  const kind = union instanceof z.ZodDiscriminatedUnion ? union._zod.def.discriminator : undefined
  if (kind === undefined) return options
  return options.filter((option) => {
    if (!(option instanceof z.ZodObject)) return false
    const literal = bare(option._zod.def.shape[kind])
    return literal instanceof z.ZodLiteral && literal._zod.def.values.includes(String(value[kind]))
  })
}

/** The keys that an object schema knows for this value; undefined where any key is allowed. */
export const shapeOf = (schema: z.core.$ZodType, value: unknown): Shape | undefined => {
  const inner = bare(schema)
  if (inner instanceof z.ZodObject) {
    const catchall = inner._zod.def.catchall
    const isOpen = catchall !== undefined && !(catchall instanceof z.ZodNever)
    return { keys: new Map(Object.entries(inner._zod.def.shape)), isOpen }
  }
  if (!(inner instanceof z.ZodUnion)) return undefined
  const shapes = candidates(inner, value)
    .map((option) => shapeOf(option, value))
    .filter((shape) => shape !== undefined)
  if (shapes.length === 0) return undefined
  return {
    keys: new Map(shapes.flatMap((shape) => [...shape.keys])),
    isOpen: shapes.some((shape) => shape.isOpen),
  }
}

const step = (
  schema: z.core.$ZodType,
  key: string | number,
  value: unknown,
): z.core.$ZodType | undefined => {
  const inner = bare(schema)
  if (inner instanceof z.ZodRecord) return inner._zod.def.valueType
  if (inner instanceof z.ZodArray) return inner._zod.def.element
  if (inner instanceof z.ZodObject || inner instanceof z.ZodUnion) {
    if (inner instanceof z.ZodUnion && Array.isArray(value)) {
      const list = inner._zod.def.options.map(bare).find((option) => option instanceof z.ZodArray)
      return list?._zod.def.element
    }
    return shapeOf(inner, value)?.keys.get(String(key))
  }
  return undefined
}

/** The schema that governs a path of this value, beneath defaults and optionals. */
export const schemaAt = (
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): z.core.$ZodType | undefined => {
  let current: z.core.$ZodType | undefined = schema
  let here: unknown = value
  for (const key of path) {
    if (!current || typeof key === 'symbol') return undefined
    current = step(current, key, here)
    here = isObject(here) ? here[String(key)] : Array.isArray(here) ? here[Number(key)] : undefined
  }
  return current && bare(current)
}

/** Paths of keys that the schema does not know, also where the schema itself would drop them silently. */
export const unknownKeys = (
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly (string | number)[] = [],
): readonly {
  readonly path: readonly (string | number)[]
  readonly known: readonly string[]
}[] => {
  const inner = bare(schema)
  if (Array.isArray(value))
    return value.slice(0, 10_000).flatMap((item, index) => {
      const element = step(inner, index, value)
      return element ? unknownKeys(element, item, [...path, index]) : []
    })
  if (!isObject(value)) return []
  const shape = shapeOf(inner, value)
  return Object.entries(value).flatMap(([key, item]) => {
    if (shape && !shape.isOpen && !shape.keys.has(key))
      return [{ path: [...path, key], known: [...shape.keys.keys()] }]
    const next = step(inner, key, value)
    return next ? unknownKeys(next, item, [...path, key]) : []
  })
}
