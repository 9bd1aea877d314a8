import { TocsinError } from '../../base/index.ts'

/** Loads a package that only some installations need. @throws TocsinError `kms.missing` */
export const loadOptional = async <T>(name: string, load: () => Promise<T>): Promise<T> =>
  load().catch((cause: unknown) => {
    throw new TocsinError('kms.missing', `The package ${name} is not installed.`, {
      cause,
      hints: [`Install it beside Tocsin: \`npm install ${name}\`.`],
      exitCode: 2,
    })
  })
