import { z } from 'zod'
import { address, name, secretSchema, urlOrSecret } from './schemaWords.ts'

const senderUrl = urlOrSecret.describe('https, or http on this machine')

/** Senders with keys of their own, beside `local`. One entry serves one chain. */
export const senderSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('openzeppelin-relayer'),
    chain: name,
    url: senderUrl,
    apiKey: secretSchema,
    relayer: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,100}$/)
      .describe('Id of the relayer'),
    address: address.optional().describe('Account that it sends from. Default: it is asked'),
  }),
  z.strictObject({
    type: z.literal('defender'),
    chain: name,
    url: senderUrl.describe('A Defender-compatible endpoint: the hosted service ended in 2026'),
    apiKey: secretSchema,
    apiSecret: secretSchema,
    address: address.optional().describe('Account that it sends from. Default: it is asked'),
  }),
  z.strictObject({
    type: z.literal('safe'),
    chain: name,
    url: senderUrl.describe('Safe Transaction Service'),
    apiKey: secretSchema.optional(),
    safe: address.describe('The Safe to which the call is proposed'),
  }),
])

/** A key that never leaves its vault. */
const keySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('aws-kms'),
    keyId: z.string().min(1).describe('Id, ARN or alias of an ECC_SECG_P256K1 key'),
    region: z.string().min(1).optional().describe('Default: what the AWS SDK finds'),
    endpoint: urlOrSecret.optional(),
  }),
  z.strictObject({
    type: z.literal('gcp-kms'),
    keyVersion: z
      .string()
      .regex(
        /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/\d+$/,
        'projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/1',
      )
      .describe('An EC_SIGN_SECP256K1_SHA256 key version'),
    endpoint: urlOrSecret.optional(),
  }),
])

/** The signer's part of the watchlist. */
export const signerSchema = z.strictObject({
  rpc: z
    .record(name, z.array(urlOrSecret).min(1))
    .describe("Per chain: the signer's own endpoints"),
  privateRpc: z
    .record(name, z.array(urlOrSecret).min(1))
    .default({})
    .describe('Per chain: endpoints that keep transactions out of the public mempool'),
  tenderlyRpc: z
    .record(name, z.array(urlOrSecret).min(1))
    .default({})
    .describe("Per chain: Tenderly's node, for policies that simulate by `tenderly`"),
  tenderly: z
    .strictObject({
      account: name.describe('Slug of the account'),
      project: name.describe('Slug of the project'),
      accessKey: secretSchema,
      url: urlOrSecret.optional().describe("Default: Tenderly's own"),
    })
    .optional()
    .describe('An account, for policies that simulate by `tenderly`, after the nodes if any'),
  readiness: z
    .strictObject({
      everyS: z.int().min(1).max(3_600).default(30),
      runs: z
        .int()
        .min(1)
        .max(1_000)
        .default(3)
        .describe('Runs at the fee cap that the balance must cover'),
      expiryDays: z
        .int()
        .min(0)
        .max(365)
        .default(14)
        .describe('Days before the end of an approval at which people are told'),
    })
    .default({ everyS: 30, runs: 3, expiryDays: 14 })
    .describe('How every approved action is probed'),
  keystore: z.string().min(1).optional().describe('Keystore V3 file, from the watchlist'),
  password: secretSchema.optional(),
  key: keySchema.optional().describe('Instead of keystore and password'),
  senders: z
    .record(name, senderSchema)
    .default({})
    .describe('Senders that policies may name beside `local`'),
  mode: z
    .enum(['observe', 'propose', 'auto'])
    .default('observe')
    .describe('Ceiling for every policy'),
  approvers: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        address: address.optional().describe('Address of the key with which they sign'),
        chain: name
          .optional()
          .describe(
            'The address is a contract on this chain that signs (ERC-1271), such as a Safe',
          ),
        role: name.optional(),
      }),
    )
    .max(100)
    .default([])
    .describe('Who may approve; anybody when empty'),
  approvalsRequired: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe(
      'Approvers who must have signed a policy file. Default: 1 where any has an address, else 0',
    ),
})
