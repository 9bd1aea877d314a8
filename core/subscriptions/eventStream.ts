import { createLoop, type Loop } from '../base/index.ts'
import type { OpenStream, StreamItem } from './createStreams.ts'

/** What lies ready for a reader that is slow (bytes); nothing more is fetched until it is taken. */
const READY_BYTES = 65_536

const encode = (item: StreamItem): string => {
  switch (item.kind) {
    case 'event':
      return `id: ${item.seq}\nevent: ${item.type}\ndata: ${item.body}\n\n`
    case 'gap':
      return `id: ${item.seq}\nevent: gap\ndata: ${JSON.stringify({ asked: item.asked, from: item.seq })}\n\n`
    case 'position':
      return `: ok\nid: ${item.seq}\n\n`
  }
}

/**
 * A stream as server-sent events. A reader that takes nothing for `stallMs` is cut off: it comes back with its
 * Last-Event-ID and has missed nothing.
 */
export const encodeEventStream = (
  stream: OpenStream,
  options: { readonly stallMs: number; readonly cut: () => void },
): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder()
  let fullSince: number | undefined
  let watch: Loop | undefined
  const end = (): void => {
    void watch?.stop()
    stream.close()
  }
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode('retry: 2000\n\n'))
        watch = createLoop(
          async () => {
            if (fullSince === undefined || Date.now() - fullSince < options.stallMs) return
            end()
            controller.error(new Error('the reader is too slow'))
            options.cut()
          },
          { pauseMs: Math.min(1_000, options.stallMs), onError: () => undefined },
        )
      },
      pull: async (controller) => {
        fullSince = undefined
        const next = await stream.items.next().catch((error: unknown) => {
          end()
          throw error
        })
        if (next.done) {
          end()
          return controller.close()
        }
        controller.enqueue(encoder.encode(next.value.map(encode).join('')))
        if ((controller.desiredSize ?? 0) <= 0) fullSince = Date.now()
      },
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: READY_BYTES }),
  )
}
