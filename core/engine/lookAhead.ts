/** An element, and what was begun for it when it came. */
export type Begun<T, B> = { readonly value: T; readonly begun: B }

/**
 * Pulls up to `depth` elements ahead and begins work on each as soon as it is there; hands them out in order. The
 * iterable must queue calls of `next`, as async generators do. Whoever stops early ends the iterable himself.
 */
export async function* lookAhead<T, B>(
  iterable: AsyncIterable<T>,
  depth: number,
  begin: (value: T) => B,
): AsyncGenerator<Begun<T, B>, void, undefined> {
  const iterator = iterable[Symbol.asyncIterator]()
  const pull = async (): Promise<Begun<T, B> | undefined> => {
    const step = await iterator.next()
    return step.done ? undefined : { value: step.value, begun: begin(step.value) }
  }
  const pending: Promise<Begun<T, B> | undefined>[] = []
  const fill = (): void => {
    while (pending.length < depth) {
      const next = pull()
      // Looked at when its turn comes.
      next.catch(() => undefined)
      pending.push(next)
    }
  }
  for (;;) {
    fill()
    const next = await pending.shift()
    if (next === undefined) return
    // Before the element is worked on, so that the next one is fetched meanwhile.
    fill()
    yield next
  }
}
