export { type ConsoleOptions, startConsole } from './startConsole.ts'
