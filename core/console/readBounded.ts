/** Reads a body up to a limit; undefined when it is larger. */
export const readBounded = async (
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<string | undefined> => {
  const reader = body?.getReader()
  if (!reader) return ''
  const parts: Uint8Array[] = []
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(parts).toString('utf8')
    bytes += value.byteLength
    if (bytes > limit) {
      await reader.cancel()
      return undefined
    }
    parts.push(value)
  }
}
