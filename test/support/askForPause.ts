import { stableHash } from '../../core/base/index.ts'
import { loadPolicies, requestExecutions } from '../../core/response/index.ts'
import { tables } from '../../core/store/index.ts'
import type { Stack } from './stack.ts'

/** As the watcher does, in its place: a finding in the newest block, and the intent, in one transaction. Its id. */
export const askForPause = async (
  { anvil, store, folder }: Pick<Stack, 'anvil' | 'store' | 'folder'>,
  name: string,
): Promise<string> => {
  const block = await anvil.rpc<{ number: string; hash: string; timestamp: string }>(
    'eth_getBlockByNumber',
    ['latest', false],
  )
  const policies = await loadPolicies(`${folder}/actions`)
  return store.db.transaction(async (tx) => {
    const [finding] = await tx
      .insert(tables.finding)
      .values({
        id: stableHash(`asked-${name}`),
        botId: 'tvl-drop',
        botVersion: '1.0.0',
        alertId: 'TVL-DROP',
        alertKind: 'event',
        chainId: anvil.chainId,
        blockNumber: Number(block.number),
        blockHash: block.hash,
        blockTimestampS: Number(block.timestamp),
        uniqueKey: name,
        name: 'TVL fell',
        description: 'It fell.',
        severity: 'Critical',
        type: 'Exploit',
        thing: 'vault',
        status: 'provisional',
      })
      .returning()
    if (!finding) throw new Error('no finding')
    const when = { bot: ['tvl-drop'], minSeverity: 'Critical' as const }
    const answers = [{ when, action: 'pause-vault' }]
    const [id] = await requestExecutions(tx, [finding], { answers, policies })
    if (!id) throw new Error('nothing was asked for')
    return id
  })
}
