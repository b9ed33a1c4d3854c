import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readText, tablesOf } from '../support/documents.js'
import { root } from '../support/root.js'

/** The codes that a text names. */
const codesIn = (text: string) =>
  text.match(/(?<![\w.-])(?:[RK]-\d+|S-[a-z]*\d+(?:\.\d+)*[abc]?|P\d\.\d+|I\d+)(?![\w-]|\.\d)/g) ?? []

const listed = tablesOf('docs/security-checklist.md').flatMap(({ rows }) => rows.map(([code = '']) => code))
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('consumer') && !name.endsWith('security-checklist.test.ts'))
const named = new Map(files.map((name) => [name, codesIn(readText(`test/${name}`))]))

t.test('a code is found wherever a title has it', async (t) => {
  t.strictSame(codesIn("'S-7.4.1a, S-ck1: after (R-3, I14)' `K-62 P2.18`"), ['S-7.4.1a', 'S-ck1', 'R-3', 'I14', 'K-62', 'P2.18'])
  t.strictSame(codesIn('AES-128, R-1x, 0.2.3, XP1.2, UTF-8, S-d'), [])
})

t.test('the checklist has each code once, in a row that says what it stands for', async (t) => {
  t.ok(listed.length > 150)
  t.strictSame(listed.filter((code, at) => listed.indexOf(code) !== at || codesIn(code).join() !== code), [])
})

t.test('every code that a test names is on the checklist', async (t) => {
  t.strictSame([...named].flatMap(([file, codes]) => codes.filter((code) => !listed.includes(code)).map((code) => `${code} in ${file}`)), [])
})

t.test('every code on the checklist has a test that names it', async (t) => {
  const used = new Set([...named.values()].flat())
  t.strictSame(listed.filter((code) => !used.has(code)), [])
})
