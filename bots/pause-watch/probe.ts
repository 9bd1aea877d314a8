import type { BotContext, BotThing } from 'tocsin'
import { parseAbi } from 'viem/utils'
import type { PauseWatchParameters } from './parameters.ts'

export type PauseContext = BotContext<PauseWatchParameters>
export type PauseThing = BotThing<PauseWatchParameters>

const probeAbi = parseAbi([
  'function paused() view returns (bool)',
  'function isPaused() view returns (bool)',
  'function isStopped() view returns (bool)',
  'function stopped() view returns (bool)',
  'function pausedUntil() view returns (uint256)',
  'function getResumeSinceTimestamp() view returns (uint256)',
  'function getPausedState() view returns (bool paused, uint256 pauseWindowEndTime, uint256 bufferPeriodEndTime)',
])

const FLAGS = ['paused', 'isPaused', 'isStopped', 'stopped'] as const
const UNTILS = ['getResumeSinceTimestamp', 'pausedUntil'] as const
/** Later than any date: a pause without end. */
const NEVER = 100_000_000_000n

/** Which of the known functions a contract answers. Found once, when it is first seen. */
export type Probe = {
  readonly flag: (typeof FLAGS)[number] | undefined
  readonly until: (typeof UNTILS)[number] | undefined
  readonly hasWindow: boolean
}

/** How a contract stands by its own word. */
export type PauseState = {
  readonly isPaused: boolean
  /** When the pause lapses by itself (s). */
  readonly untilS: number | undefined
  /** After this nobody can pause it any more (s). */
  readonly windowEndS: number | undefined
}

const ask = <T>(ctx: PauseContext, thing: PauseThing, functionName: string) =>
  ctx.read.call<T>({ address: thing.address, abi: probeAbi, functionName })

export const findProbe = async (ctx: PauseContext, thing: PauseThing): Promise<Probe> => {
  const answers = await Promise.all(
    [...FLAGS, ...UNTILS, 'getPausedState'].map((name) => ask(ctx, thing, name)),
  )
  const answered = (name: string): boolean =>
    answers[[...FLAGS, ...UNTILS, 'getPausedState'].indexOf(name)]?.ok === true
  return {
    flag: FLAGS.find(answered),
    until: UNTILS.find(answered),
    hasWindow: answered('getPausedState'),
  }
}

export const canPause = (probe: Probe): boolean =>
  probe.flag !== undefined || probe.until !== undefined || probe.hasWindow

/** Reads the functions that answered; undefined when one of them no longer does. */
export const readPause = async (
  ctx: PauseContext,
  thing: PauseThing,
  probe: Probe,
): Promise<PauseState | undefined> => {
  const [flag, until, window] = await Promise.all([
    probe.flag ? ask<boolean>(ctx, thing, probe.flag) : undefined,
    probe.until ? ask<bigint>(ctx, thing, probe.until) : undefined,
    probe.hasWindow
      ? ask<readonly [boolean, bigint, bigint]>(ctx, thing, 'getPausedState')
      : undefined,
  ])
  if (flag?.ok === false || until?.ok === false || window?.ok === false) return undefined
  const now = BigInt(ctx.block.timestampS)
  const end = until?.ok ? until.value : undefined
  const isPaused =
    flag?.ok === true ? flag.value : window?.ok ? window.value[0] : end !== undefined && end > now
  const lapses = window?.ok ? window.value[2] : end
  return {
    isPaused,
    untilS: lapses !== undefined && lapses > now && lapses < NEVER ? Number(lapses) : undefined,
    windowEndS: window?.ok && window.value[1] < NEVER ? Number(window.value[1]) : undefined,
  }
}
