import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { isLoopback } from './security.ts'

/**
 * Refuses to serve strangers: what can be called from other machines has people who sign in, and an https address.
 * @throws TocsinError `console.exposed`, `console.open_exposed`, `console.insecure_url`
 */
export const checkExposure = (
  { host, onlyLocal, open, publicUrl }: Config['console'],
  state: { readonly publicUrl: string | undefined; readonly isSignInRequired: boolean },
): void => {
  const fail = (code: string, message: string, hints: readonly string[]): never => {
    throw new TocsinError(code, message, { hints, exitCode: 2 })
  }
  const isOutside = !isLoopback(host)
  if (open && isOutside)
    fail('console.open_exposed', '`console.open` is for a console on loopback alone.', [
      'Take `open` away, or set `console.host` to 127.0.0.1.',
    ])
  if (publicUrl?.startsWith('http:') && !isLoopback(new URL(publicUrl).hostname))
    fail('console.insecure_url', '`console.publicUrl` is not https.', [
      'Passwords and cookies would travel in the clear: put a proxy with a certificate before it.',
    ])
  if (!isOutside || onlyLocal) return
  if (!state.isSignInRequired)
    fail('console.exposed', `The console on ${host} could be read by whoever reaches it.`, [
      'Add somebody who signs in: `tocsin users add`, or configure `console.oidc`.',
      'Or set `console.host` to 127.0.0.1; `console.onlyLocal: true` where a container publishes it there.',
    ])
  if (!state.publicUrl?.startsWith('https:'))
    fail('console.exposed', `The console on ${host} has no https address.`, [
      'Name it in `console.publicUrl`, and put a proxy with a certificate before it.',
    ])
}
