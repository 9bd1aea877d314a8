import type { Address, BotBlock, Finding } from 'tocsin'
import { type Backing, findBacking } from './backing.ts'
import { habitOf, keepHabit } from './habit.ts'
import { judgeJump, judgeMinter, judgeWindow } from './judgeMint.ts'
import { meetMinter, minterOf, type Standing } from './minters.ts'
import type { Flow, Move } from './readFlow.ts'
import { report, type Supply, showPart } from './report.ts'
import { BPS, type MintContext, type MintThing, partOf } from './types.ts'
import { keepWitness } from './witnesses.ts'

const RANK: Readonly<Record<Standing, number>> = { new: 3, learning: 2, known: 1, open: 0 }

type Mint = { readonly move: Move; readonly minter: Address; readonly standing: Standing }

/** The mint that says most: a new minter's before all others, then the largest. */
const gravest = (mints: readonly Mint[]): Mint | undefined =>
  mints.reduce<Mint | undefined>((best, one) => {
    if (!best) return one
    const byNew = Number(one.standing === 'new') - Number(best.standing === 'new')
    if (byNew !== 0) return byNew > 0 ? one : best
    if (one.move.units !== best.move.units) return one.move.units > best.move.units ? one : best
    return RANK[one.standing] > RANK[best.standing] ? one : best
  }, undefined)

const meetAll = (
  ctx: MintContext,
  block: BotBlock,
  thing: MintThing,
  flow: Flow,
): readonly Mint[] => {
  const byHash = new Map(block.transactions.map((tx) => [tx.hash, tx]))
  const met = new Map<Address, Standing>()
  return flow.mints.map((move) => {
    const minter = minterOf(thing.address, move, byHash.get(move.log.txHash))
    // Once new in a block, new for the whole of it.
    const standing = met.get(minter) ?? meetMinter(ctx, thing, minter)
    met.set(minter, standing)
    return { move, minter, standing }
  })
}

type Told = Pick<Parameters<typeof report>[2], 'alertId' | 'severity' | 'what'> & {
  readonly thresholdBps: number
}

/** The one thing to tell of a block's mints. */
const choose = (
  { parameters }: MintThing,
  growth: number,
  standing: Standing,
  habit: number,
  backing: Backing | undefined,
): Told | undefined => {
  const part = `${showPart(growth)} of the supply`
  if (backing?.verdict === 'backed') return undefined
  if (backing?.verdict === 'bare')
    return {
      alertId: 'MINT-UNBACKED',
      severity: growth > parameters.jumpBps * BPS ? 'Critical' : 'High',
      what: `${part} were minted, and the collateral did not grow with it.`,
      thresholdBps: parameters.silentBps,
    }
  const jump = judgeJump(growth, standing, habit, parameters)
  if (jump)
    return {
      alertId: 'SUPPLY-JUMP',
      severity: jump,
      what: `the supply grew by ${showPart(growth)} in one block${standing === 'new' ? ', by a minter that never minted before' : ''}.`,
      thresholdBps: parameters.jumpBps,
    }
  const stranger = judgeMinter(growth, standing, parameters)
  return (
    stranger && {
      alertId: 'NEW-MINTER',
      severity: stranger,
      what: `somebody who never minted before made ${part}.`,
      thresholdBps: parameters.minterBps,
    }
  )
}

/** Mints of one block. Tells one thing of them at most: a lack of collateral, a jump, or a new minter. */
export const judgeMints = async (
  ctx: MintContext,
  block: BotBlock,
  thing: MintThing,
  flow: Flow | undefined,
  supply: Supply,
  told: bigint,
): Promise<readonly Finding[]> => {
  const { parameters } = thing
  const mints = flow ? meetAll(ctx, block, thing, flow) : []
  const minted = told > 0n ? told : 0n
  const growth = partOf(minted, supply.before)
  const mint = gravest(mints)
  const standing = mint?.standing ?? 'learning'
  const habit = habitOf(ctx, thing).block
  const isWorthIt =
    growth > parameters.silentBps * BPS || judgeMinter(growth, standing, parameters) !== undefined
  const backing = isWorthIt ? await findBacking(ctx, block, thing, supply) : undefined
  const say = choose(thing, growth, standing, habit, backing)
  const wasTold = say?.severity === 'High' || say?.severity === 'Critical'
  // A thief's own balance is no witness.
  if (!say) for (const { move } of mints) keepWitness(ctx, thing, move.holder)
  const grown = {
    units: backing?.verdict === 'backed' || wasTold ? 0n : minted,
    growth,
    isOpen: standing === 'open',
  }
  const window = await followWindow(ctx, thing, supply, grown)
  if (!say) return window
  const finding = await report(ctx, thing, {
    alertId: say.alertId,
    severity: say.severity,
    what: say.what,
    supply,
    move: mint?.move,
    minter: mint?.minter,
    backing,
    metadata: {
      partBps: String(Math.floor(growth / BPS)),
      minterIs: mint?.standing ?? 'not told',
      habitBps: String(Math.floor(habit / BPS)),
      thresholdBps: String(say.thresholdBps),
    },
  })
  return [finding, ...window]
}

type Episode = { readonly level: number; readonly isOpen: boolean }

/** Many small mints, added up. What was told by itself, or rests on collateral, does not count again. */
const followWindow = async (
  ctx: MintContext,
  thing: MintThing,
  supply: Supply,
  grown: { readonly units: bigint; readonly growth: number; readonly isOpen: boolean },
): Promise<readonly Finding[]> => {
  const { windowS, windowBps } = thing.parameters
  keepHabit(ctx, thing, { block: grown.growth, window: 0 })
  const window = ctx.window(`grown:${thing.name}`, { keepS: windowS })
  // Below a thousandth of a bps a mint is dust, however often it comes.
  if (grown.units * 10_000_000n > supply.before) window.add(grown.units)
  const key = `window:${thing.name}`
  const episode = ctx.state.get<Episode>(key)
  if (grown.units === 0n && episode === undefined) return []
  const sum = window.sum(windowS)
  const start = supply.after > sum ? supply.after - sum : 1n
  const growth = partOf(sum, start)
  const habit = habitOf(ctx, thing).window
  keepHabit(ctx, thing, { block: 0, window: growth })
  const verdict = judgeWindow(
    growth,
    grown.isOpen || episode?.isOpen === true,
    habit,
    thing.parameters,
  )
  const say = async (what: string, more: Partial<Parameters<typeof report>[2]>) =>
    report(ctx, thing, {
      alertId: 'SUPPLY-JUMP-WINDOW',
      severity: 'Info',
      what,
      supply: { before: start, after: supply.after },
      metadata: {
        windowS: String(windowS),
        grownBps: String(Math.floor(growth / BPS)),
        thresholdBps: String(windowBps),
        mints: String(window.count(windowS)),
      },
      ...more,
    })
  if (verdict === undefined && episode) {
    ctx.state.delete(key)
    return [await say('the supply no longer grows that fast.', { condition: 'ended' })]
  }
  if (verdict === undefined || verdict === 'near' || verdict.level <= (episode?.level ?? 0))
    return []
  ctx.state.set(key, { level: verdict.level, isOpen: grown.isOpen })
  return [
    await say(`the supply grew by ${showPart(growth)} within ${windowS} s, in many mints.`, {
      severity: verdict.severity,
      condition: 'holds',
    }),
  ]
}
