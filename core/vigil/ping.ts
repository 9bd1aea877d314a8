/** What came of one call. The reason holds no URL: its path is the key. */
export type PingAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** Calls a URL of the watchlist; a POST where there is something to say. Never throws; ends within `timeoutMs`. */
export const ping = async (options: {
  readonly url: string
  readonly path: '' | '/start' | '/fail'
  readonly body: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}): Promise<PingAnswer> => {
  const limit = AbortSignal.timeout(options.timeoutMs)
  try {
    const response = await fetch(`${options.url.replace(/\/+$/, '')}${options.path}`, {
      method: options.body === '' ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { 'user-agent': 'tocsin/1' },
      signal: AbortSignal.any([options.signal, limit]),
      ...(options.body === '' ? {} : { body: options.body }),
    })
    await response.body?.cancel()
    if (response.status >= 200 && response.status < 300) return { ok: true }
    return { ok: false, reason: `it answered ${response.status}` }
  } catch {
    const reason = limit.aborted ? `no answer within ${options.timeoutMs} ms` : 'no connection'
    return { ok: false, reason }
  }
}
