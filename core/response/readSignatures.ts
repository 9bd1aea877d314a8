import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../base/index.ts'
import { type PolicySignature, policySignatureSchema } from './policySignature.ts'

const MAX_FILES = 100
const MAX_BYTES = 64 * 1024
const fileSchema = z.union([
  policySignatureSchema.transform((entry) => [entry]),
  z.array(policySignatureSchema).max(MAX_FILES),
])

/** Where signatures of a policy file lie: `<id>/signatures/*.json`, or `<id>.signatures.json` beside `<id>.yaml`. */
export const signaturePlace = (
  policyFile: string,
): { readonly kind: 'folder' | 'file'; readonly path: string } => {
  const folder = dirname(policyFile)
  const name = basename(policyFile, extname(policyFile))
  return name === 'policy'
    ? { kind: 'folder', path: join(folder, 'signatures') }
    : { kind: 'file', path: join(folder, `${name}.signatures.json`) }
}

/** Signature files of a policy with a stamp that changes when they do. */
export const listSignatureFiles = async (
  policyFile: string,
): Promise<readonly { readonly file: string; readonly stamp: string }[]> => {
  const { kind, path } = signaturePlace(policyFile)
  const names =
    kind === 'folder'
      ? (await readdir(path).catch(() => []))
          .filter((name) => name.endsWith('.json'))
          .sort()
          .slice(0, MAX_FILES)
          .map((name) => join(path, name))
      : [path]
  const files = await Promise.all(
    names.map(async (file) => {
      const info = await stat(file).catch(() => undefined)
      return info?.isFile() ? [{ file, stamp: `${info.mtimeMs}:${info.size}:${info.ino}` }] : []
    }),
  )
  return files.flat()
}

export type ReadSignaturesResult = {
  readonly signatures: readonly PolicySignature[]
  /** Files that cannot be read, each with why; they count for nothing. */
  readonly faults: readonly { readonly file: string; readonly message: string }[]
}

/** Reads the detached signatures of a policy file. What cannot be read is told and counts for nothing. */
export const readSignatures = async (policyFile: string): Promise<ReadSignaturesResult> => {
  const signatures: PolicySignature[] = []
  const faults: { file: string; message: string }[] = []
  for (const { file, stamp } of await listSignatureFiles(policyFile)) {
    try {
      if (Number(stamp.split(':')[1]) > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`)
      const parsed = fileSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
      if (parsed.success) signatures.push(...parsed.data)
      else faults.push({ file, message: 'not a signature: address, policyHash, signature' })
    } catch (error) {
      faults.push({ file, message: messageOf(error) })
    }
  }
  return { signatures, faults }
}
