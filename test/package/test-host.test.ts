import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { root } from '../support/root.js'

const TAP = `import t from '${import.meta.resolve('tap')}'\n`

/** What a process says that runs these files of tests. */
function host (t: Pick<Test, 'testdir'>, ...files: string[]) {
  const folder = t.testdir(Object.fromEntries(files.map((code, at) => [`${at}.mjs`, TAP + code])))
  const programs = files.map((_, at) => join(folder, `${at}.mjs`))
  const env = { ...process.env, TAP: '1', TEST_RUN: JSON.stringify({ programs, args: ['an engine'] }) }
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/test/host.mjs')], { encoding: 'utf8', env, timeout: 600_000 })
  return { status, said: (pattern: RegExp) => [...new Set([...stdout.matchAll(pattern)].map(([, name]) => name))] }
}

t.test('files that share a process run one after another, and the end of each is told', async (t) => {
  const { status, said } = host(t,
    't.test("one", async (t) => { await new Promise((resolve) => setTimeout(resolve, 20)); t.equal(process.argv[2], "an engine") })',
    'await new Promise((resolve) => setTimeout(resolve, 20).unref())\nt.test("two", async (t) => { t.pass() })',
    't.test("three", async (t) => { t.pass() })')
  t.equal(status, 0)
  t.strictSame(said(/^ok (\d+ - [\w ]+?) #/gm), ['1 - one', '2 - end of the file 0', '3 - two', '4 - end of the file 1', '5 - three'])
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
  t.strictSame(said(/^((?:not )?ok \d+ - [\w ]+?)(?: #.*)?$/gm), ['not ok 1 - broken', 'ok 2 - end of the file 0', 'ok 3 - two'])
})

t.test('a test that waits for what never comes fails, and its file does not end well', async (t) => {
  const { status, said } = host(t, 't.test("never", () => new Promise(() => {}))', 't.test("two", async (t) => { t.pass() })')
  t.equal(status, 1)
  t.strictSame(said(/^ok \d+ - ([\w ]+?)(?: #.*)?$/gm), [])
})

t.test('a file gives back the environment, fails for a listener that it leaves, and for an error that comes after its last test', async (t) => {
  const { status, said } = host(t,
    't.test("one", async (t) => { process.env.LEFT = "1"; t.pass() })',
    't.test("two", async (t) => { t.equal(process.env.LEFT, undefined); process.on("unhandledRejection", () => {}) })',
    't.test("three", async (t) => { process.removeAllListeners("unhandledRejection"); t.pass() })')
  t.equal(status, 1)
  t.strictSame(said(/^((?:not )?ok \d+ - [\w ]+?)(?: #.*)?$/gm).slice(0, 5), ['ok 1 - one', 'ok 2 - end of the file 0', 'ok 3 - two', 'not ok 4 - end of the file 1', 'ok 5 - three'])
  const late = host(t, 't.test("one", async (t) => { t.pass(); Promise.reject(new Error("late")) })', 't.test("two", async (t) => { t.pass() })')
  t.equal(late.status, 1)
  t.strictSame(late.said(/^((?:not )?ok [12] - [\w ]+?)(?: #.*)?$/gm), ['ok 1 - one', 'not ok 2 - end of the file 0'])
  t.strictSame(late.said(/^ok \d+ - (two)/gm), ['two'])
})

t.test('the runner counts what each file says, and what comes between two files is of the first', async (t) => {
  const { readTap } = await import(new URL('../../../scripts/test/tap.mjs', import.meta.url).href) as {
    readTap (output: Readable, fileEnded: (tally: object) => void): Promise<{ passed: number, failures: object[] }>
  }
  const count = async (...lines: string[]) => {
    const ended: object[] = []
    const rest = await readTap(Readable.from([['TAP version 14', ...lines, ''].join('\n')]), (tally) => ended.push(tally))
    return [...ended, rest].map((tally) => { const { passed, failures } = tally as typeof rest; return [passed, failures.length] })
  }
  const end = (ok: string) => ['# Subtest: end of the file 0', `    ${ok} 1 - late`, '    1..1', `${ok} 2 - end of the file 0`]
  t.strictSame(await count('ok 1 - one', ...end('ok'), 'ok 3 - two', '1..3'), [[1, 0], [1, 0]])
  t.strictSame(await count('ok 1 - one', ...end('not ok'), 'ok 3 - two', '1..3'), [[1, 1], [1, 0]])
  t.strictSame(await count('ok 1 - one', ...end('not ok'), 'not ok 3 - end of the file 0', 'ok 4 - two', '1..4'), [[1, 1], [1, 0]])
  t.strictSame(await count('not ok 1 - one', ...end('ok'), '1..2'), [[0, 1], [0, 0]])
  t.strictSame(await count('ok 1 - one', '# Subtest: two', '    ok 1 - half'), [[2, 1]], 'a stream that stops midway')
})
