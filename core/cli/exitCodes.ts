/** How the watchdog of the watcher ends it at once: nothing else in Tocsin uses this signal. */
export const BLOCKED_SIGNAL = 'SIGALRM'

/** Exit codes of `tocsin`, the same for every command (README, "Exit codes"). */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** The watchlist, a policy, the command line or the data folder is wrong: a restart mends nothing. */
  invalid: 2,
  /** `check`: the configuration is well-formed, but the chain says otherwise. */
  probeFailed: 3,
  /** A port is taken. */
  portInUse: 4,
  /** `run watcher`: a bot blocked or ended the process; start it again at once. */
  botBlocked: 5,
} as const
