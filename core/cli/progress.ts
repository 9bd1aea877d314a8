/** A progress bar on stderr where a person watches, silence elsewhere. */
export type Progress = {
  readonly update: (done: number, note?: string) => void
  readonly end: () => void
}

export const createProgress = (label: string, total: number): Progress => {
  const stream = process.stderr
  if (!stream.isTTY) return { update: () => undefined, end: () => undefined }
  const width = 28
  let lastMs = 0
  const startedMs = Date.now()
  const draw = (done: number, note: string): void => {
    const share = total > 0 ? Math.min(1, done / total) : 0
    const filled = Math.round(share * width)
    const elapsedS = (Date.now() - startedMs) / 1000
    const leftS = share > 0 ? Math.round((elapsedS / share) * (1 - share)) : undefined
    const eta = leftS === undefined ? '' : `  ${leftS} s left`
    stream.write(
      `\r\x1b[K${label} [${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${Math.floor(share * 100)} %${eta}${note ? `  ${note}` : ''}`,
    )
  }
  return {
    update: (done, note = '') => {
      if (Date.now() - lastMs < 100 && done < total) return
      lastMs = Date.now()
      draw(done, note)
    },
    end: () => stream.write('\r\x1b[K'),
  }
}
