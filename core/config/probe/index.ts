/** Asks the chains whether they agree with the watchlist. A door of its own: it loads viem's clients. */
export { type ProbeFault, type ProbeReport, probeWatchlist } from './probeWatchlist.ts'
