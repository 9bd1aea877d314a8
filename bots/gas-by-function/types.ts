import type { BotContext, BotThing } from 'tocsin'
import type { GasByFunctionParameters } from './parameters.ts'

export type GasContext = BotContext<GasByFunctionParameters>
export type GasThing = BotThing<GasByFunctionParameters>
