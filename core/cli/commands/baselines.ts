import { type Command, InvalidArgumentError, Option } from 'commander'
import { NAB_DETECTORS, NAB_PROFILES, type NabScore, scoreNab } from '../../engine/light.ts'
import { readCorpus } from '../baselines/readCorpus.ts'
import { printJson, printTable } from '../printTable.ts'

type ScoreOptions = {
  readonly corpus: string
  readonly detector?: readonly string[]
  readonly threshold?: number
  readonly json?: boolean
}

const parseThreshold = (text: string): number => {
  const value = /^\d(\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN
  if (value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('Say a number from 0 to 1.')
}

const score = async (options: ScoreOptions): Promise<void> => {
  const corpus = await readCorpus(options.corpus)
  const names = options.detector ?? Object.keys(NAB_DETECTORS)
  const rows: (NabScore & { readonly detector: string })[] = []
  for (const detector of new Set(names)) {
    const detect = NAB_DETECTORS[detector]
    if (!detect) continue
    const scored = corpus.map((series) => ({ series, scores: detect(series) }))
    for (const profile of NAB_PROFILES)
      rows.push({ detector, ...scoreNab(scored, profile, options.threshold) })
  }
  if (options.json) return printJson({ files: corpus.length, scores: rows })
  process.stdout.write(
    `${corpus.length} files, ${corpus.reduce((sum, { values }) => sum + values.length, 0)} rows. 0: a detector that says nothing; 100: a perfect one.\n\n`,
  )
  printTable(
    rows,
    [
      { title: 'DETECTOR', of: ({ detector }) => detector },
      { title: 'PROFILE', of: ({ profile }) => profile },
      { title: 'SCORE', of: (row) => row.score.toFixed(2) },
      { title: 'FOUND', of: ({ found, windows }) => `${found} of ${windows}` },
      { title: 'FALSE ALARMS', of: ({ falseAlarms }) => String(falseAlarms) },
      { title: 'THRESHOLD', of: ({ threshold }) => threshold.toFixed(6) },
    ],
    'There is nothing to score.',
  )
}

/** `tocsin baselines`: how good the baselines are that bots compare with. */
export const register = (program: Command): void => {
  const baselines = program.command('baselines').description('the baselines that bots compare with')
  baselines
    .command('score')
    .description('scores them on a corpus of the Numenta Anomaly Benchmark; downloads nothing')
    .requiredOption(
      '--corpus <folder>',
      'with data/**/*.csv (timestamp,value) and labels/combined_windows.json',
    )
    .addOption(
      new Option('--detector <names...>', 'default: all').choices(Object.keys(NAB_DETECTORS)),
    )
    .option(
      '--threshold <score>',
      'from 0 to 1, for all files. Default: the best one for each profile, as the benchmark takes it',
      parseThreshold,
    )
    .option('--json', 'machine-readable output')
    .addHelpText(
      'after',
      `
Exit codes: 0 scored, 2 the folder holds no such corpus.

Examples:
  $ git clone https://github.com/numenta/NAB
  $ tocsin baselines score --corpus NAB
  $ tocsin baselines score --corpus NAB --detector robust-z seasonal --json`,
    )
    .action(score)
}
