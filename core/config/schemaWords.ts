import { z } from 'zod'

export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes')
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address is 0x and 40 hexadecimal digits')
  .describe('20-byte address; a mixed-case one must have a right EIP-55 checksum')

/** A secret or an environment-dependent value: by variable or by file (Docker and Kubernetes secrets), never in the file. */
export const secretSchema = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: z.string().min(1) }),
])
export const urlOrSecret = z.union([
  z.string().regex(/^(https?|wss?):\/\/\S+$/, 'a URL'),
  secretSchema,
])
export const sev = z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4'])

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return /^[A-Za-z]+(\/|$)/.test(zone)
  } catch {
    return false
  }
}
export const timeZone = z.string().refine(isZone, 'a time zone such as Europe/Berlin')
export const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])
export const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as "09:00", quoted')
