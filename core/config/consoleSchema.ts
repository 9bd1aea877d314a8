import { z } from 'zod'
import { secretSchema } from './schemaWords.ts'

const role = z.enum(['viewer', 'responder', 'approver', 'admin'])
const claim = z.string().min(1).max(100)

const oidcSchema = z.strictObject({
  issuer: z
    .string()
    .regex(/^https?:\/\/[^\s?#]+$/, 'a URL')
    .describe('Of the identity provider; https, or http on this machine'),
  clientId: z.string().min(1).max(500),
  clientSecret: secretSchema.optional().describe('Left out: a public client, by PKCE alone'),
  label: z.string().min(1).max(60).default('single sign-on').describe('What the button says'),
  scopes: z.array(z.string().min(1).max(100)).max(20).default(['openid', 'profile', 'email']),
  nameClaim: claim
    .default('email')
    .describe('Claim that names the person; an e-mail address must be verified'),
  rolesClaim: claim.default('groups').describe('Claim that says the groups'),
  roles: z
    .record(z.string().min(1).max(200), role)
    .describe('Role by group; who is in none of them may not sign in'),
  approvers: z
    .record(z.string().min(1).max(200), z.string().min(1).max(200))
    .default({})
    .describe('Name under `signer.approvers` by the name of who signs in'),
})

/** The console's part of the watchlist. */
export const consoleSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(4680),
  hosts: z
    .array(z.string().min(1).max(253))
    .optional()
    .describe('Host names by which browsers call it, beside localhost and addresses'),
  publicUrl: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+\/?$/, 'a URL without a path')
    .optional()
    .describe('Where browsers reach it: https, behind a proxy of yours. Default: `people.url`'),
  proxies: z
    .array(z.string().min(1).max(64))
    .max(20)
    .optional()
    .describe('Addresses of proxies whose X-Forwarded-For is believed'),
  onlyLocal: z
    .boolean()
    .optional()
    .describe('The port is published on this machine alone, as that of a container may be'),
  open: z
    .boolean()
    .optional()
    .describe('On loopback, while there are no users: whoever is at the machine may do everything'),
  session: z
    .strictObject({
      idleS: z.int().min(60).max(86_400).default(3_600).describe('Ends when unused for so long'),
      absoluteS: z.int().min(300).max(604_800).default(43_200).describe('Ends in any case'),
    })
    .optional(),
  requireTotp: z
    .boolean()
    .optional()
    .describe(
      'Approvers and admins with a password need a second factor; until then they only see',
    ),
  perMinute: z
    .int()
    .min(30)
    .max(60_000)
    .optional()
    .describe('Most requests of one person who is signed in, in a minute. Default: 600'),
  oidc: oidcSchema.optional().describe('Sign-in by an identity provider (OpenID Connect)'),
})
