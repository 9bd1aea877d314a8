import { getCookie, setCookie } from 'hono/cookie'
import type { ConsoleContext } from '../principal.ts'

const NAME = 'tocsin'

/** The cookie of a session: this host's alone and by https alone, where the console has an https address. */
export const createSessionCookie = (isSecure: () => boolean) => {
  const set = (c: ConsoleContext, value: string, maxAge: number): void => {
    const common = { path: '/', httpOnly: true, sameSite: 'Lax', maxAge } as const
    if (isSecure()) setCookie(c, NAME, value, { ...common, secure: true, prefix: 'host' })
    else setCookie(c, NAME, value, common)
  }
  return {
    read: (c: ConsoleContext): string | undefined =>
      isSecure() ? getCookie(c, NAME, 'host') : getCookie(c, NAME),
    set,
    clear: (c: ConsoleContext): void => set(c, '', 0),
  }
}
