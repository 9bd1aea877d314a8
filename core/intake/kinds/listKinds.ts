import type { Config } from '../../config/types.ts'
import type { AnyReceiverKind } from '../createDesk.ts'
import { alertmanagerKind } from './alertmanager.ts'
import { defenderKind } from './defender.ts'
import { fortaKind } from './forta.ts'
import { createGenericKind } from './generic.ts'
import { openzeppelinMonitorKind } from './openzeppelinMonitor.ts'
import { tenderlyKind } from './tenderly.ts'

/** Every sort of watcher that this room understands. Answers to pages are understood elsewhere, and are added beside these. */
export const listKinds = (config: () => Pick<Config, 'chains'>): readonly AnyReceiverKind[] => [
  fortaKind,
  openzeppelinMonitorKind,
  defenderKind,
  tenderlyKind,
  alertmanagerKind,
  createGenericKind(() => Object.fromEntries(config().chains.map(({ name, id }) => [name, id]))),
]
