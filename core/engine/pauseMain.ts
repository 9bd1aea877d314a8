import { Session } from 'node:inspector'

/** Without a line: a user's bot is bundled, and its lines are not those of its file. */
export type Frame = { readonly name: string; readonly url: string }

/** The main thread, held in the middle of whatever it runs. */
export type HeldMain = {
  /** Innermost first. */
  readonly frames: readonly Frame[]
  readonly resume: () => void
  /** Breaks off what runs: the event loop gets its turn, but of the work in hand nothing can be relied on. */
  readonly breakOff: () => void
}

const MAX_FRAMES = 200
const AGAIN_MS = 250

/**
 * Stops the main thread from a worker and says where it was: loops and regular expressions let themselves be
 * interrupted, system calls do not. Undefined when it could not be held within `limitMs`.
 */
export const pauseMain = (limitMs: number): Promise<HeldMain | undefined> =>
  new Promise((resolve) => {
    const session = new Session()
    const urls = new Map<string, string>()
    let isOver = false
    let again: NodeJS.Timeout | undefined
    const finish = (held: HeldMain | undefined): void => {
      clearTimeout(again)
      clearTimeout(limit)
      isOver = true
      resolve(held)
    }
    let isLetGo = false
    const letGo = (): void => {
      if (isLetGo) return
      isLetGo = true
      session.post('Debugger.disable')
      session.disconnect()
    }
    const limit = setTimeout(() => {
      letGo()
      finish(undefined)
    }, limitMs)
    try {
      session.connectToMainThread()
    } catch {
      // Without an inspector in this build of Node there is no stack; the marks still tell who was entered last.
      return finish(undefined)
    }
    session.on('Debugger.scriptParsed', ({ params }) => {
      urls.set(params.scriptId, params.url)
    })
    session.on('Debugger.paused', ({ params }) => {
      if (isOver) return letGo()
      finish({
        frames: params.callFrames.slice(0, MAX_FRAMES).map(({ functionName, location }) => ({
          name: functionName,
          url: urls.get(location.scriptId) ?? '',
        })),
        resume: () => {
          session.post('Debugger.resume')
          letGo()
        },
        breakOff: () => {
          session.post('Runtime.terminateExecution')
          session.post('Debugger.resume')
          letGo()
        },
      })
    })
    session.post('Debugger.enable', () => {
      const ask = (): void => {
        session.post('Debugger.pause')
        again = setTimeout(ask, AGAIN_MS)
      }
      ask()
    })
  })
