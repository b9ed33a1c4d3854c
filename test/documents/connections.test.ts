import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { postgresMissing, postgresUrl, startPostgres } from '../stores/postgres/engine.js'
import { blocksOf } from '../support/documents.js'
import { root } from '../support/root.js'
import { skipOrFail } from '../support/skip.js'
import { javaScriptOf } from '../support/transpile.js'

/** Every method of the contract, by the program's own connection. The last line says what came of it. */
const use = `
const later = () => Date.now() + 60_000
const found = []
found.push(await store.create('id', 'first', later(), 'ann'), await store.create('id', 'other', later()))
found.push(await store.load('id'), await store.replace('id', 'other', 'x', later()), await store.replace('id', 'first', 'second', later(), 'ann'), await store.touch('id', later()))
for await (const { id, payload, expiresAt } of store.findBySubject('ann')) found.push(id, payload, expiresAt > Date.now())
await store.create('over', 'payload', Date.now() - 1)
found.push(await store.sweep())
await store.delete('id')
found.push(await store.load('id'))
console.log(JSON.stringify(found))
process.exit()
`
const expected = [true, false, 'first', 'conflict', 'replaced', true, 'id', 'second', true, 1, null]

const blocks = blocksOf('docs/connections.md')
const libraryOf = (code: string) => /from '(drizzle-orm|kysely|knex)/.exec(code)?.[1] ?? 'pg, for Prisma'

t.test('docs/connections.md shows Drizzle, Kysely, Knex and Prisma, in ten lines each', async (t) => {
  t.strictSame(blocks.map(({ code }) => libraryOf(code)), ['drizzle-orm', 'kysely', 'knex', 'pg, for Prisma'])
  for (const { code } of blocks) t.ok(code.split('\n').filter((line) => line !== '' && !line.startsWith('import')).length <= 10)
})

for (const { code } of blocks) {
  t.test(`by the connection of ${libraryOf(code)} a store keeps, compares, finds and removes`, async (t) => {
    const missing = existsSync(join(root, 'dist/lib/stores/postgres.js')) ? postgresMissing() : 'the package is not built'
    if (missing) return skipOrFail(t, missing)
    const server = await startPostgres()
    t.teardown(() => server.stop())
    // In the repository's tree, where the package's own name means its build.
    const script = join(t.testdir(), 'program.mjs')
    writeFileSync(script, javaScriptOf(code) + use)
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env: { ...process.env, DATABASE_URL: postgresUrl(server.port) } })
    t.strictSame(JSON.parse(stdout || 'null'), expected, stderr)
  })
}

t.test('Prisma goes on with the pool that it shares', async (t) => {
  t.plan(0, 'prisma generate needs the schema engine of binaries.prisma.sh, and no package has it')
})
