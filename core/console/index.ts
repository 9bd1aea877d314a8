export { type RunningConsole, startConsole } from './startConsole.ts'
