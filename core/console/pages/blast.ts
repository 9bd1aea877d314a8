import type { IncidentRecord } from '../../postmortem/index.ts'
import type { Markup } from '../html.ts'
import type { PageOptions } from './kit.ts'

export type Blast = undefined

export const readBlast = async (_o: PageOptions, _r: IncidentRecord): Promise<Blast> => undefined

export const renderBlast = (_blast: Blast): Markup | string => ''
