import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { blocksOf, codeIn, readText } from '../../support/documents.js'
import { root } from '../../support/root.js'
import { skipOrFail } from '../../support/skip.js'
import { javaScriptOf } from '../../support/transpile.js'
import { isMissing } from '../sqlite/engine.js'
import { engines } from '../../support/engines.js'

const built = join(root, 'dist/lib/conformance.js')

t.test('the test of the example runs on node:test, against the built package', async (t) => {
  if (!existsSync(built)) return skipOrFail(t, 'the package is not built')
  const example = join(root, 'examples/dist/custom-store/map-store.test.js')
  const { stdout, status } = run('--test-reporter=tap', example)
  t.equal(status, 0, stdout)
  t.match(stdout, /^# pass [5-9]\d$/m)
  t.match(stdout, /^# fail 0$/m)
})

t.test('the test that docs/stores.md shows runs on tap, and fails where the store does', async (t) => {
  if (!existsSync(built)) return skipOrFail(t, 'the package is not built')
  if (isMissing(t, 'better-sqlite3')) return
  const [shown, ...others] = blocksOf('docs/stores.md').filter(({ code }) => code.includes('storeConformance('))
  t.strictSame(others, [])
  // In the repository's tree, where the package's own name means its build.
  const script = join(t.testdir(), 'shown.mjs')
  const write = (code: string) => writeFileSync(script, javaScriptOf(code))
  write(shown?.code ?? '')
  const { stdout, status } = run(script)
  t.equal(status, 0)
  t.equal(passed(stdout), total(stdout))
  t.ok(total(stdout) >= 50, `${total(stdout)} tests`)

  write(shown?.code.replace('sqliteStore({ database })', 'Object.assign(sqliteStore({ database }), { load: async () => null })') ?? '')
  const broken = run(script)
  t.equal(broken.status, 1)
  t.ok(passed(broken.stdout) < total(broken.stdout))
})

t.test('what CONTRIBUTING.md says that a store has, every store of a server has', async (t) => {
  const [, section = ''] = /^## Adding a store\n(.*)/ms.exec(readText('CONTRIBUTING.md')) ?? []
  const paths = codeIn(section).filter((code) => /^[\w.-]+\/[\w./<>-]*$/.test(code))
  t.ok(paths.length > 10)
  // What has no entry of its own, or no failures but those of every server.
  const without = new Set(['lib/stores/valkey.ts', 'lib/stores/redis-groups.ts', 'test/stores/memcached/failures.ts', 'test/stores/valkey/own.test.ts', 'test/stores/redis-groups/own.test.ts', 'test/stores/redis/own.test.ts'])
  const needed = engines.flatMap((engine) => paths.map((path) => path.replace('<name>', engine)))
  t.strictSame([...new Set(needed)].filter((path) => !existsSync(join(root, path)) && !without.delete(path)), [])
  t.strictSame([...without], [])
})

t.test('every store that the package has runs on an engine', async (t) => {
  const stores = readdirSync(join(root, 'lib/stores')).filter((name) => name.endsWith('.ts')).map((name) => name.replace('.ts', ''))
  const others: Record<string, string> = { 'postgres-js': 'postgres', memory: 'a process has its own: adapters/http.test.ts and test/http' }
  t.strictSame(stores.filter((name) => !engines.includes(name) && others[name] === undefined), [])
})

/** Without the variables that tell a test runner that it is run by one. */
function run (...args: string[]) {
  const { NODE_TEST_CONTEXT, TAP_CHILD_ID, ...env } = process.env
  return spawnSync(process.execPath, [...process.execArgv, ...args], { encoding: 'utf8', env: { ...env, TAP: '1' } })
}

const passed = (output: string) => output.match(/^ok /gm)?.length ?? 0
const total = (output: string) => Number(/^1\.\.(\d+)/m.exec(output)?.[1])
