const BASE = 'http://tocsin.invalid'

/** Where to go after signing in: a page of ours, whatever was asked for; never another site. */
export const returnPath = (asked: string | null | undefined): string => {
  const path = asked ?? '/'
  if (path.length > 2_000 || !/^\/(?![/\\])[\x20-\x7e]*$/.test(path) || path.includes('\\'))
    return '/'
  try {
    const { origin, pathname, search } = new URL(path, BASE)
    const isOurs = origin === BASE && !pathname.startsWith('//')
    return isOurs && !pathname.startsWith('/sign-') ? pathname + search : '/'
  } catch {
    return '/'
  }
}
