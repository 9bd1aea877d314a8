import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findRunbook } from './findRunbook.ts'

test('behavior: a runbook is found in the catalogue and in the own folder, and nowhere else', async () => {
  const botsDir = await mkdtemp(join(tmpdir(), 'tocsin-runbook-'))
  try {
    await mkdir(join(botsDir, 'mine'))
    await writeFile(join(botsDir, 'mine', 'runbook.md'), '# mine\n')
    const found = (id: string) => findRunbook({ botsDir }, id)
    expect(found('tvl-drop')).toBe('bots/tvl-drop/runbook.md')
    expect(found('mine')).toBe('bots/mine/runbook.md')
    expect(['unknown', '../bots/tvl-drop', ''].map(found)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(findRunbook({ botsDir: undefined }, 'mine')).toBeUndefined()
  } finally {
    await rm(botsDir, { recursive: true, force: true })
  }
})
