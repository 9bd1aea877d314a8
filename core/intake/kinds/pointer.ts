import type { StrictJson } from '../parseStrictJson.ts'

const isList = (value: StrictJson): value is readonly StrictJson[] => Array.isArray(value)

/** `/a/b/0` (RFC 6901) or `$.a.b[0]` as the names and indexes that it goes through. */
export const parsePointer = (pointer: string): readonly string[] => {
  if (pointer.startsWith('/'))
    return pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const parts = pointer.slice(1).matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/g)
  return [...parts].map(([, name, index, quoted]) => name ?? index ?? quoted ?? '')
}

/** What stands there; undefined where nothing does, or null. */
export const lookUp = (value: StrictJson, pointer: string): StrictJson | undefined => {
  let at: StrictJson | undefined = value
  for (const part of parsePointer(pointer)) {
    if (at === undefined || at === null || typeof at !== 'object') return undefined
    if (isList(at)) at = /^\d{1,6}$/.test(part) ? at[Number(part)] : undefined
    else at = Object.hasOwn(at, part) ? at[part] : undefined
  }
  return at ?? undefined
}
