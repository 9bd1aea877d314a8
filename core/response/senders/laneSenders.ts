import type { Address } from '../../base/index.ts'
import type { LoadedPolicy, Policy } from '../types.ts'
import type { RemoteSender } from './remoteSender.ts'

/** The senders of one chain beside the signer's own key. */
export type LaneSenders = {
  readonly find: (name: string) => RemoteSender | undefined
  readonly list: () => readonly RemoteSender[]
  /** Whose rights a sender of a policy uses (default: the first); the signer's own account where that cannot be told now. */
  readonly actorOf: (policy: Policy, own: Address, step?: number) => Promise<Address>
  /** Account of a sender that pays for its transactions itself; undefined for one that does not, or cannot tell now. */
  readonly payerOf: (name: string) => Promise<Address | undefined>
  /** Runs on beside the lane; awaited when the signer stops. */
  readonly spawn: (task: Promise<void>) => void
  readonly stop: () => Promise<void>
}

export const createLaneSenders = (remotes: readonly RemoteSender[]): LaneSenders => {
  const accounts = new Map<string, Address>()
  const tasks = new Set<Promise<void>>()
  const find: LaneSenders['find'] = (name) => remotes.find((remote) => remote.name === name)
  const accountOf = async (remote: RemoteSender): Promise<Address> => {
    const known = accounts.get(remote.name) ?? (await remote.account())
    accounts.set(remote.name, known)
    return known
  }
  return {
    find,
    list: () => remotes,
    actorOf: async (policy, own, step = 0) => {
      const remote = find(policy.senders[step]?.name ?? 'local')
      return remote ? accountOf(remote).catch(() => own) : own
    },
    payerOf: async (name) => {
      const remote = find(name)
      // Whoever of a Safe's owners executes pays.
      if (!remote || remote.type === 'safe') return undefined
      return accountOf(remote).catch(() => undefined)
    },
    spawn: (task) => {
      tasks.add(task)
      void task.finally(() => tasks.delete(task))
    },
    stop: async () => {
      await Promise.all(remotes.map((remote) => remote.stop()))
      await Promise.all(tasks)
    },
  }
}

export const isLocalStep = (policy: Policy, step: number): boolean =>
  (policy.senders[step]?.name ?? 'local') === 'local'

/** Whether any sender of a policy signs with a key of its own, or several do. */
export const needsWarrant = (policy: LoadedPolicy): boolean =>
  policy.senders.some(({ name }) => name !== 'local')
