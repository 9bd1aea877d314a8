import { z } from 'zod'

const reviewBy = '2027-05-31'
const bps = () => z.int().min(1).max(10_000)

export const utilisationParameters = z
  .strictObject({
    warnBps: bps().default(9_000).meta({
      description: 'Utilisation above this holds as Medium (bps of what depositors gave).',
      source: 'the usual operating rule: above 90 % withdrawals may be delayed',
      reviewBy,
      quieter: 'higher',
    }),
    highBps: bps().default(9_500).meta({
      description: 'Utilisation above this for `highForS` is High (bps).',
      source: 'published risk desks: 95 % for half an hour',
      reviewBy,
    }),
    highForS: z.int().min(0).max(604_800).default(1_800).meta({
      description: 'How long it must stay above `highBps` (seconds of block time).',
      source: 'published risk desks: 95 % for half an hour',
      reviewBy,
    }),
    pageBps: bps().default(9_900).meta({
      description: 'Utilisation above this is High at once (bps): hardly anybody can withdraw.',
      source: 'published vault monitors: 99 % pages',
      reviewBy,
    }),
    endBps: z.int().min(0).max(5_000).default(200).meta({
      description: 'It ends when utilisation is this far below the threshold (bps).',
      source: 'own choice: half a day of ordinary interest and loans around the threshold',
      reviewBy,
    }),
    kinkMarginBps: z.int().min(0).max(1_000).default(200).meta({
      description:
        'A reserve that is meant to run close to 90 % warns this far above the kink of its rates instead (bps).',
      source: 'own choice: stablecoin markets have their kink at 90 to 92 %',
      reviewBy,
    }),
    minUsd: z.int().min(0).default(1_000_000).meta({
      description:
        "Reserves worth less are never more than Low (dollars by the market's own oracle; without one all count).",
      source: 'published risk desks: a floor of a million dollars',
      reviewBy,
    }),
    vaultLiquidBps: bps().default(200).meta({
      description: 'A vault whose own balance is below this part of `totalAssets()` holds (bps).',
      source: 'published vault monitors: withdrawable liquidity below 2 %',
      reviewBy,
    }),
    vaultBaselineBps: bps().default(1_000).meta({
      description: 'Vaults that had less than this at hand when first seen are not judged (bps).',
      source: 'own choice: many vaults lend everything out by design',
      reviewBy,
    }),
    badDebtHighBps: bps().default(10).meta({
      description: 'Bad debt above this part of the deposits is High (bps).',
      source: 'own choice: a fifth of the 0.5 % at which vault monitors page',
      reviewBy,
    }),
    badDebtCriticalBps: bps().default(50).meta({
      description: 'Bad debt above this part of the deposits is Critical (bps).',
      source: 'published vault monitors: bad debt above 0.5 %',
      reviewBy,
    }),
    beatS: z.int().min(1).max(86_400).default(300).meta({
      description: 'How often all reserves are read although nothing happened (seconds).',
      source: 'own choice: utilisation moves by events; interest alone is slow',
      reviewBy,
    }),
  })
  .refine(({ warnBps, highBps, pageBps }) => warnBps <= highBps && highBps <= pageBps, {
    path: ['highBps'],
    message: 'must lie between warnBps and pageBps',
  })

export type UtilisationParameters = z.infer<typeof utilisationParameters>
