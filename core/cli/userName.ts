import { userInfo } from 'node:os'

/** Who sits at this terminal, as far as the system knows. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A container's user need not have a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
