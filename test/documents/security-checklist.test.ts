import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../support/root.js'

const numbers = (prefix: string, from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`)

const STORES = 'belongs to the stores, which have tests of their own'

/** The checks of the security bar that the package answers for, beside those of the single stores. */
const ids = [
  '7.1.1', '7.1.2', '7.1.3', '7.2.1', '7.2.2', '7.2.3', '7.2.4', '7.3.1', '7.3.2', '7.4.1a', '7.4.1b', '7.4.1c', '7.4.2', '7.4.3', '7.4.5', '7.5.1', '7.5.2', '7.6.2', '3.3.1', '3.3.2', '3.3.3', '3.3.4', '3.3.5', '3.5.1',
  '9.1', '9.2.1', '9.2.2', '11.2.1', '11.2.2', '11.2.3', '11.2.4', '11.2.5', '11.3.4', '11.4.4', 'cs1', 'cs2', 'n2', ...numbers('ck', 1, 8)
].map((id) => `S-${id}`)
ids.push(...numbers('K-', 1, 62), ...numbers('R-', 1, 9))
ids.push(...[14, 19, 21, 22, 23, 24, 25, 26, 28, 30, 31, 40, 41, 42, 43].map((number) => `R-${number}`))

const leftOut: Record<string, string> = {
  ...Object.fromEntries(['K-37', 'K-38', 'K-39', 'K-40', 'K-41', 'K-42', 'K-43', 'K-44', 'K-54', 'R-25'].map((id) => [id, STORES]))
}

t.test('every check of the security bar that concerns the core has a test that names it', async t => {
  const folder = join(root, 'test')
  const own = 'documents/security-checklist.test.ts'
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts') && file !== own && !file.startsWith('consumer'))
  const text = (await Promise.all(files.map(async (file) => await readFile(join(folder, file), 'utf8')))).join('\n')
  const named = (id: string) => new RegExp(`(?<![\\w.-])${id.replaceAll('.', '\\.')}(?![\\w]|\\.\\d)`).test(text)
  t.strictSame(ids.filter((id) => !(id in leftOut) && !named(id)), [])
  t.notOk(named('S-7.2.9') || named('K-99') || named('R-99'), 'and would notice')
})
