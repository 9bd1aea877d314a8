import type { BotContext, BotThing } from 'tocsin'
import type { ReentrancyParameters } from './parameters.ts'

export type ReentrancyContext = BotContext<ReentrancyParameters>
export type ReentrancyThing = BotThing<ReentrancyParameters>
