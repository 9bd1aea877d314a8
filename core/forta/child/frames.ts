import type { Readable } from 'node:stream'

/** Longest message between host and child (bytes). */
const MAX_FRAME = 256 * 2 ** 20

/** One message: four bytes of length, then JSON. */
export const encodeFrame = (json: string): Buffer => {
  const size = Buffer.byteLength(json)
  const frame = Buffer.allocUnsafe(4 + size)
  frame.writeUInt32BE(size, 0)
  frame.write(json, 4)
  return frame
}

/** Calls `onMessage` for each message of a stream; a stream that is none is destroyed. */
export const readFrames = (stream: Readable, onMessage: (message: unknown) => void): void => {
  let chunks: Buffer[] = []
  let size = 0
  const take = (): Buffer | undefined => {
    if (size < 4) return undefined
    const [first] = chunks
    if (first === undefined) return undefined
    const head = first.length >= 4 ? first : Buffer.concat(chunks)
    const length = head.readUInt32BE(0)
    if (length > MAX_FRAME) throw new Error(`a message of ${length} bytes is too long`)
    if (size < 4 + length) return undefined
    const all = chunks.length === 1 ? first : Buffer.concat(chunks)
    const rest = all.subarray(4 + length)
    chunks = rest.length > 0 ? [rest] : []
    size = rest.length
    return all.subarray(4, 4 + length)
  }
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    try {
      for (let frame = take(); frame; frame = take()) onMessage(JSON.parse(frame.toString('utf8')))
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })
}
