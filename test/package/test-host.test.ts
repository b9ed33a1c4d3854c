import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from '../support/root.js'

const TAP = `import t from '${import.meta.resolve('tap')}'\n`

/** What a process says that runs these files of tests. */
function host (t: Pick<Test, 'testdir'>, ...files: string[]) {
  const folder = t.testdir(Object.fromEntries(files.map((code, at) => [`${at}.mjs`, TAP + code])))
  const programs = files.map((_, at) => join(folder, `${at}.mjs`))
  const env = { ...process.env, TAP: '1', TEST_RUN: JSON.stringify({ programs, args: ['an engine'] }) }
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/test/host.mjs')], { encoding: 'utf8', env })
  return { status, said: (pattern: RegExp) => [...new Set([...stdout.matchAll(pattern)].map(([, name]) => name))] }
}

t.test('files that share a process run one after another, and the end of each is told', async (t) => {
  const { status, said } = host(t,
    't.test("one", async (t) => { await new Promise((resolve) => setTimeout(resolve, 20)); t.equal(process.argv[2], "an engine") })',
    'await new Promise((resolve) => setTimeout(resolve, 20).unref())\nt.test("two", async (t) => { t.pass() })',
    't.test("three", async (t) => { t.pass() })')
  t.equal(status, 0)
  t.strictSame(said(/^ok (\d+ - [\w ]+?) #/gm), ['1 - one', '2 - end of the file', '3 - two', '4 - end of the file', '5 - three'])
})

t.test('an error that nobody catches fails the test that runs, and no other', async (t) => {
  const { status, said } = host(t, `
    const soon = () => new Promise((resolve) => setTimeout(resolve, 20))
    t.test('outer', async (t) => {
      await t.test('thrown', async () => { setImmediate(() => { throw new Error('one') }); await soon() })
      await t.test('between', async (t) => { await soon(); t.pass() })
    })
    t.test('rejected', async () => { Promise.reject(new Error('two')); await soon() })
    t.test('no error', async () => { Promise.reject('three'); await soon() })
    t.test('seen by the test', async (t) => {
      process.once('unhandledRejection', (error) => { t.equal(error.message, 'four') })
      Promise.reject(new Error('four'))
      await soon()
    })`)
  t.equal(status, 1)
  t.strictSame(said(/^ *ok \d+ - (between|seen by the test)/gm), ['between', 'seen by the test'])
  t.strictSame(said(/^ *not ok \d+ - (one|thrown|two|three)\b/gm), ['one', 'thrown', 'two', 'three'])
})

t.test('a file that cannot be loaded fails, and the next one runs', async (t) => {
  const { status, said } = host(t, 'throw new Error("broken")', 't.test("two", async (t) => { t.pass() })')
  t.equal(status, 1)
  t.strictSame(said(/^((?:not )?ok \d+ - [\w ]+?)(?: #.*)?$/gm), ['not ok 1 - broken', 'ok 2 - end of the file', 'ok 3 - two'])
})
