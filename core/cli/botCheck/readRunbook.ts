/** What a runbook says, taken apart. */
export type Runbook = {
  /** Headings in lower case, with the text below each. */
  readonly sections: ReadonlyMap<string, string>
  /** Lines that are typed at a shell, with the line on which each stands. */
  readonly commands: readonly { readonly text: string; readonly line: number }[]
  readonly queries: readonly {
    readonly kind: 'sql' | 'graphql'
    readonly text: string
    readonly line: number
  }[]
  readonly text: string
}

const SHELL = /^(sh|bash|shell|console)$/

type Fence = { readonly language: string; readonly line: number; readonly lines: string[] }

/** Code between fences, and the lines outside of them with their numbers. */
const splitFences = (lines: readonly string[]) => {
  const fences: Fence[] = []
  const prose: { readonly text: string; readonly line: number }[] = []
  let open: Fence | undefined
  for (const [index, text] of lines.entries()) {
    const mark = /^\s*```\s*(\w*)/.exec(text)
    if (mark && open) open = undefined
    else if (mark) {
      open = { language: (mark[1] ?? '').toLowerCase(), line: index + 2, lines: [] }
      fences.push(open)
    } else if (open) open.lines.push(text)
    else prose.push({ text, line: index + 1 })
  }
  return { fences, prose }
}

/** Reads a runbook: its sections, its commands (`tocsin …`) and its queries. */
export const readRunbook = (text: string): Runbook => {
  const lines = text.split(/\r?\n/)
  const { fences, prose } = splitFences(lines)
  const commands: { text: string; line: number }[] = []
  const queries: { kind: 'sql' | 'graphql'; text: string; line: number }[] = []
  for (const { language, line, lines: code } of fences) {
    if (SHELL.test(language))
      for (const [at, one] of code.entries()) {
        const command = one.trim().replace(/^\$ /, '')
        if (command.startsWith('tocsin ')) commands.push({ text: command, line: line + at })
      }
    if (language === 'sql' || language === 'graphql')
      queries.push({ kind: language, text: code.join('\n'), line })
  }
  for (const { text: one, line } of prose)
    for (const [, code = ''] of one.matchAll(/`([^`]+)`/g)) {
      if (code.startsWith('tocsin ')) commands.push({ text: code, line })
      if (/^\{\s*\w+/.test(code) && code.includes('(') && code.includes('items'))
        queries.push({ kind: 'graphql', text: code, line })
    }
  const sections = new Map<string, string>()
  let title = ''
  for (const one of lines) {
    const heading = /^#{1,4}\s+(.+?)\s*$/.exec(one)?.[1]
    if (heading !== undefined) {
      title = heading.toLowerCase()
      sections.set(title, '')
    } else sections.set(title, `${sections.get(title) ?? ''}${one}\n`)
  }
  return { sections, commands, queries, text }
}
