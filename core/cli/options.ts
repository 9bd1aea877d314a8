import { type Command, Option } from 'commander'

/** Commands by name, each loaded when it is asked for; `register` adds it, and may look at the others. */
export type CommandList = Readonly<
  Record<string, () => Promise<{ register: (to: Command, all: CommandList) => void }>>
>

/** What every command that reads the watchlist takes. */
export type CommonOptions = {
  readonly config: string
  readonly env?: string
  readonly dataDir?: string
  readonly json?: boolean
}

/** Adds `--config`, `--env`, `--data-dir` and `--json` to a command. */
export const withCommonOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('-c, --config <file>', 'the watchlist')
        .default('watchlist.yaml')
        .env('TOCSIN_CONFIG'),
    )
    .addOption(
      new Option(
        '-e, --env <name>',
        'overlay: watchlist.<name>.yaml is laid over the watchlist',
      ).env('TOCSIN_ENV'),
    )
    .addOption(
      new Option('--data-dir <folder>', 'overrides `dataDir` of the watchlist').env(
        'TOCSIN_DATA_DIR',
      ),
    )
    .option('--json', 'machine-readable output')
