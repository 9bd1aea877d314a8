/** The imported table of labels, and the names that people are shown. */
export * from './findLabels.ts'
export * from './importLabels.ts'
export * from './listImported.ts'
export * from './nameInText.ts'
