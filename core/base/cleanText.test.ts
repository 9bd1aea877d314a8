import { expect, test } from 'vitest'
import { cleanText } from './cleanText.ts'

test('behavior: control, bidi and zero-width characters do not survive', () => {
  const hostile = 'a\u0000b\nc\u202Ed\u2066e\u200Bf\u001B[31mg\u{E0041}h\uD800i\u0085j'
  expect(cleanText(hostile)).toBe('a b c d e f [31mg h i j')
})

test('behavior: the bound counts characters, not halves of them', () => {
  expect(cleanText('😀😀😀', 3)).toBe('😀😀😀')
  expect(cleanText('😀😀😀😀', 3)).toBe('😀😀…')
})

test('behavior: ordinary text of any script stays as it is', () => {
  expect(cleanText('Überweisung 1,000 €, 中文, עברית')).toBe('Überweisung 1,000 €, 中文, עברית')
})
