import type { Hono } from 'hono'
import { type ConsoleEnv, type Need, needOf } from './principal.ts'

/** A route as the table has it, with what it demands. */
export type GuardedRoute = {
  readonly method: string
  readonly path: string
  readonly needs: readonly Need[]
}

/** Every route of the console; middleware that runs before them all is left out. */
export const listRoutes = (app: Hono<ConsoleEnv>): readonly GuardedRoute[] => {
  const routes = new Map<string, { method: string; path: string; needs: Need[] }>()
  for (const { method, path, handler } of app.routes) {
    if (path === '/*') continue
    const key = `${method} ${path}`
    const route = routes.get(key) ?? { method, path, needs: [] }
    const need = needOf(handler)
    if (need) route.needs.push(need)
    routes.set(key, route)
  }
  return [...routes.values()]
}

/** @throws Error for a route that does not say what it needs: that is a fault of the program, not of its user */
export const checkGuards = (app: Hono<ConsoleEnv>): void => {
  const bare = listRoutes(app).filter(({ needs }) => needs.length !== 1)
  if (bare.length === 0) return
  const names = bare.map(({ method, path }) => `${method} ${path}`)
  throw new Error(`each of these routes has to say once what it needs: ${names.join(', ')}`)
}
