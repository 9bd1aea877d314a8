import type { Address } from '../base/index.ts'
import type { BotContext, Label } from './types.ts'

export type LabelBook = BotContext<unknown>['labels']

/**
 * Labels by address and by tag. Of two for one address the first one holds. The labels themselves are kept, not copied;
 * beside them it takes about 60 bytes for each.
 */
export const createLabelBook = (labels: readonly Label[]): LabelBook => {
  const byAddress = new Map<Address, Label>()
  const byTag = new Map<string, Label[]>()
  for (const label of labels) {
    const address = label.address.toLowerCase() as Address
    if (byAddress.has(address)) continue
    const entry = address === label.address ? label : { ...label, address }
    byAddress.set(address, entry)
    for (const tag of label.tags) {
      const tagged = byTag.get(tag)
      if (tagged) tagged.push(entry)
      else byTag.set(tag, [entry])
    }
  }
  return {
    get: (address) => byAddress.get(address.toLowerCase() as Address),
    withTag: (tag) => byTag.get(tag) ?? [],
  }
}
