/**
 * The side door: markup in which every value is escaped, for whoever writes a page, and what is asked about a console
 * before it is served. No server and no database behind it.
 */
export { checkExposure } from './checkExposure.ts'
export { html, type Markup, trusted } from './html.ts'
export { isLoopback } from './security.ts'
