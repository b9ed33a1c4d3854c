import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { entries } from '../support/entries.js'
import { run } from '../support/packed.js'

const folder = t.testdir()
const { status, output } = await run(process.execPath, ['scripts/docs-api.mjs', folder])

t.test('the API reference is made without a warning', async (t) => {
  t.equal(status, 0, output)
  t.notMatch(output, /\[(?:warning|error)\]/)
})

t.test('it has a module for each entry that package.json exports, called as it is imported', async (t) => {
  const exported = Object.keys(entries).filter((entry) => entry !== './package.json').map((entry) => `fastify-typed-session${entry.slice(1)}`)
  t.ok(exported.length > 10)
  const pages = readdirSync(join(folder, 'modules')).filter((page) => !page.includes('_internal_'))
  t.strictSame(pages.sort(), exported.map((name) => `${name.replaceAll('/', '_')}.html`).sort())
  const index = readFileSync(join(folder, 'index.html'), 'utf8').replace(/<[^>]+>/g, '\n').split('\n')
  t.strictSame(exported.filter((name) => !index.includes(name)), [])
})

t.test('it leads to the source of the version', async (t) => {
  const { version, homepage } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string, homepage: string }
  const page = readFileSync(join(folder, 'functions/fastify-typed-session_stores_redis.redisStore.html'), 'utf8')
  t.ok(page.includes(`${homepage.replace('#readme', '')}/blob/v${version}/lib/stores/redis.ts#L`))
})
