import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

/** A file of tests that nobody catches the errors of, as the module sees them that spares tap its hooks. */
const FILE = `
import '${new URL('../support/unhooked.js', import.meta.url).href}'
import t from '${import.meta.resolve('tap')}'
const soon = () => new Promise((resolve) => setTimeout(resolve, 20))
t.test('outer', async (t) => {
  await t.test('thrown', async () => { setImmediate(() => { throw new Error('one') }); await soon() })
  await t.test('between', async (t) => { await soon(); t.pass() })
})
t.test('rejected', async () => { Promise.reject(new Error('two')); await soon() })
t.test('no error', async () => { Promise.reject('three'); await soon() })
t.test('seen by the test', async (t) => {
  process.once('unhandledRejection', () => { t.pass() })
  Promise.reject(new Error('four'))
  await soon()
})
`

t.test('an error that nobody catches fails the test that runs, and no other', async (t) => {
  const file = join(t.testdir({ 'file.mjs': FILE }), 'file.mjs')
  const { stdout, status } = spawnSync(process.execPath, [file], { encoding: 'utf8', env: { ...process.env, TAP: '1' } })
  t.equal(status, 1)
  const said = (pattern: RegExp) => [...new Set([...stdout.matchAll(pattern)].map(([, name]) => name))]
  t.strictSame(said(/^ *ok \d+ - (between|seen by the test)/gm), ['between', 'seen by the test'])
  t.strictSame(said(/^ *not ok \d+ - (one|thrown|two|three)\b/gm), ['one', 'thrown', 'two', 'three'])
  t.notMatch(stdout, /four/)
})
