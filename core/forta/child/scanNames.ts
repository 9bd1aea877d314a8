/** The scans that the second SDK exports, and the chains they are for. */
export const SCAN_NAMES: Readonly<Record<string, number>> = {
  scanEthereum: 1,
  scanOptimism: 10,
  scanBsc: 56,
  scanPolygon: 137,
  scanFantom: 250,
  scanBase: 8_453,
  scanArbitrum: 42_161,
  scanAvalanche: 43_114,
}

/** Whether a scan of this name is for the chain; of a chain that has no name of its own, each is. */
export const isScanOf = (name: string, chainId: number): boolean =>
  SCAN_NAMES[name] === chainId || !Object.values(SCAN_NAMES).includes(chainId)
