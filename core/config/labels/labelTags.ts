/** Most tags of one label, and longest of them (characters). */
export const MAX_TAGS = 16
export const MAX_TAG = 40

/** What others call what bots know by one word. A decentralised exchange is none of these: it keeps its own tag. */
const SAME: Readonly<Record<string, string>> = {
  cex: 'exchange',
  exchanges: 'exchange',
  'centralized-exchange': 'exchange',
  'centralised-exchange': 'exchange',
  'exchange-wallet': 'exchange',
  'cex-wallet': 'exchange',
  'cex-hot-wallet': 'exchange',
  'cex-cold-wallet': 'exchange',
  'cex-deposit': 'exchange-deposit',
  'cex-deposit-wallet': 'exchange-deposit',
  'deposit-wallet': 'exchange-deposit',
  'deposit-address': 'exchange-deposit',
  'exchange-deposit-wallet': 'exchange-deposit',
  mixers: 'mixer',
  tumbler: 'mixer',
  'tornado-cash': 'mixer',
  bridges: 'bridge',
  'cross-chain-bridge': 'bridge',
  whales: 'whale',
  treasuries: 'treasury',
  dao: 'treasury',
  deployers: 'deployer',
  'contract-deployer': 'deployer',
}

/** The words that bots look for; a name that is one of them is taken as a tag too. */
const KNOWN = new Set([
  'exchange',
  'exchange-deposit',
  'mixer',
  'bridge',
  'whale',
  'treasury',
  'deployer',
  'own',
])

/** `Centralized Exchange` is `exchange`; undefined when nothing is left of it. */
export const readTag = (text: string): string | undefined => {
  const plain = text
    .slice(0, 200)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
  return plain === '' ? undefined : (SAME[plain] ?? plain)
}

/** Tags of one cell: `exchange; hot wallet`, `["cex", "kyc"]`. */
export const readTags = (cell: string): readonly string[] => [
  ...new Set(cell.split(/[;,|[\]{}"']/).flatMap((part) => readTag(part) ?? [])),
]

/** A name that is one of the words that bots look for. */
export const tagOfName = (name: string): readonly string[] => {
  if (name.length > MAX_TAG) return []
  const word = name.toLowerCase()
  const tag = Object.hasOwn(SAME, word) ? (SAME[word] ?? word) : word
  return KNOWN.has(tag) ? [tag] : []
}
