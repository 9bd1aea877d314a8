export type TocsinErrorOptions = {
  readonly cause?: unknown
  /** What an operator can do, one sentence each. */
  readonly hints?: readonly string[]
  /** Given when trying again makes sense. */
  readonly retry?: { readonly afterMs: number }
  /** Process exit code when it reaches the command line. Default: 1. */
  readonly exitCode?: number
}

/**
 * An error for an operator at 3 a.m.: a stable `code` to branch on, one sentence, hints.
 * @example throw new TocsinError('rpc.chain_mismatch', 'The endpoint serves chain 5, not 1.')
 */
export class TocsinError extends Error {
  readonly code: string
  readonly hints: readonly string[]
  readonly retry: { readonly afterMs: number } | undefined
  readonly exitCode: number

  constructor(code: string, message: string, options: TocsinErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TocsinError'
    this.code = code
    this.hints = options.hints ?? []
    this.retry = options.retry
    this.exitCode = options.exitCode ?? 1
  }
}

/** True for an error of ours, also when a second copy of this package threw it. */
export const isTocsinError = (error: unknown): error is TocsinError =>
  typeof error === 'object' && error !== null && 'code' in error && 'hints' in error

/** The message of anything that was thrown, credentials in URLs removed. */
export const messageOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return redactUrls(text)
}

/** Removes user, password, path and query of every URL in a text: a provider's key lies in any of them. */
export const redactUrls = (text: string): string =>
  text.replace(/\b(https?|wss?|postgres(?:ql)?):\/\/[^\s"'<>)]+/gi, (url) => redactUrl(url))

/** `https://user:pw@host/v2/KEY?x=y` becomes `https://host/…`. */
export const redactUrl = (url: string): string => {
  try {
    const { protocol, host, pathname, search } = new URL(url)
    return `${protocol}//${host}${pathname.length > 1 || search ? '/…' : ''}`
  } catch {
    return '[url]'
  }
}
