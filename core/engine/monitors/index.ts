export {
  defineMonitorBot,
  type MonitorBot,
  type MonitorConditions,
  type SignatureCondition,
} from './defineMonitorBot.ts'
export { type Condition, type Facts, parseExpression } from './expression.ts'
