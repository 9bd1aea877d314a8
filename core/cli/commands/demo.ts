import type { Command } from 'commander'
import { untilSignal } from '../untilSignal.ts'

type DemoOptions = {
  readonly exit?: boolean
  readonly dataDir: string
  readonly seconds?: string
  readonly json?: boolean
}

/** `tocsin demo`: the whole system on a local chain, attacked and defended before one's eyes. */
export const register = (program: Command): void => {
  program
    .command('demo')
    .description(
      'a local chain, ordinary traffic, an attack, the alarm and the pause; needs nothing set up',
    )
    .option(
      '--exit',
      'end by itself: exit code 0 only if everything expected came and nothing else did',
    )
    .option('--data-dir <folder>', 'wiped at the start', '.tocsin/demo')
    .option('--seconds <n>', 'length of the ordinary traffic, 20 or more', '30')
    .option('--json', 'the summary as JSON')
    .action(async (options: DemoOptions) => {
      // The demo's compiler and contracts are loaded by nobody else.
      const { runDemo } = await import('../../../demo/runDemo.ts')
      const controller = new AbortController()
      const interrupted = untilSignal().then(() => controller.abort())
      const passed = await runDemo({
        exit: options.exit ?? false,
        dataDir: options.dataDir,
        json: options.json ?? false,
        signal: controller.signal,
        ...(options.seconds === undefined ? {} : { seconds: Number(options.seconds) }),
      })
      controller.abort()
      process.exitCode = passed ? 0 : 1
      // The signal handlers must not keep the process alive.
      void interrupted
    })
}
