import type { Address } from '../base/index.ts'
import type { BotContext, Label } from './types.ts'

export type LabelBook = BotContext<unknown>['labels']

/** Labels by address and by tag. Of two for one address the first one holds. */
export const createLabelBook = (labels: readonly Label[]): LabelBook => {
  const byAddress = new Map<Address, Label>()
  const byTag = new Map<string, Label[]>()
  for (const label of labels) {
    const address = label.address.toLowerCase() as Address
    if (byAddress.has(address)) continue
    const entry = { ...label, address }
    byAddress.set(address, entry)
    for (const tag of label.tags) byTag.set(tag, [...(byTag.get(tag) ?? []), entry])
  }
  return {
    get: (address) => byAddress.get(address.toLowerCase() as Address),
    withTag: (tag) => byTag.get(tag) ?? [],
  }
}
