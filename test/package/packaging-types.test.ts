import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { entries } from '../support/entries.js'
import { pack, run } from '../support/packed.js'
import { root } from '../support/root.js'

const programs = ['register', 'create-session', 'handles', 'union', 'undefined-options', 'bundler', 'commonjs', 'before-passport', 'after-passport', 'drivers', 'node-sqlite', 'sockets', 'declaration']
const misuses = ['misuse', 'misuse-options', 'misuse-register']

const packed = await pack()
t.teardown(() => packed.remove())
const folder = await packed.install('fastify', '@fastify/cookie', 'zod', 'fastify-type-provider-zod', '@fastify/swagger', 'openapi-types',
  '@fastify/autoload', '@fastify/csrf-protection', '@fastify/flash', '@fastify/passport', '@fastify/websocket', 'ws', '@types/ws', 'expect-type', '@types/node', 'better-sqlite3', '@types/better-sqlite3',
  '@aws-sdk/client-dynamodb', 'ioredis', 'memcache-client', 'mongodb', 'mysql2', 'pg', '@types/pg', 'postgres', 'redis')
// The types of Node.js 20 have no node:sqlite.
await mkdir(join(folder, 'node-sqlite/newer'))
await symlink(join(root, 'node_modules/types-node-newest'), join(folder, 'node-sqlite/newer/node'))

/** Every entry of the package: in it a compiler checks all declarations. */
const complete = 'bundler'
const everything = [...programs, ...misuses]

/** The oldest compiler and the newest check every program. The one between them checks that with all declarations. */
const oldest = await compilerOf('5.9', everything, [join(root, '.build/test/support/type-check.js'), 'ts59'])
const between = await compilerOf('6.0', [complete], [join(root, '.build/test/support/type-check.js'), 'typescript'])
const newest = await compilerOf('7.0', everything, [join(root, 'node_modules/ts7/bin/tsc'), '--build', '--singleThreaded', '--pretty', 'false'])

/** What a compiler says about each program: a line belongs to it, and so do those behind that are indented. */
async function compilerOf (version: string, programs: readonly string[], command: readonly string[]) {
  const { output, status } = await run(process.execPath, [...command, ...programs], folder)
  const parts = output.split(/^(?=\S)/m).filter((part) => part !== '')
  const says = (program: string) => parts.filter((part) => part.startsWith(`${program}/`)).join('')
  return { version, programs, status, says, others: parts.filter((part) => !programs.some((program) => part.startsWith(`${program}/`))) }
}

// The native compiler ends with 1 because of the mistakes.
for (const [{ version, others, status }, end] of [[oldest, 0], [between, 0], [newest, 1]] as const) {
  t.test(`TypeScript ${version} comes to its end, and says nothing else`, async (t) => {
    t.equal(status, end)
    t.strictSame(others, [])
  })
}

t.test('the program whose declarations are all checked imports every entry', async (t) => {
  const program = await readFile(join(root, 'test/consumer', complete, 'app.ts'), 'utf8')
  const exported = Object.keys(entries).filter((entry) => entry !== './package.json')
  t.ok(exported.length > 10)
  t.strictSame(exported.filter((entry) => !program.includes(`fastify-typed-session${entry.slice(1)}'`)), [])
})

for (const { version, programs: seen, says } of [oldest, between, newest]) {
  for (const program of programs.filter((program) => seen.includes(program))) {
    t.test(`TypeScript ${version} compiles ${program}, and finds the mistakes in it`, async (t) => {
      t.equal(says(program), '')
    })
  }
}

for (const program of misuses) {
  t.test(`what TypeScript 7.0 says about ${program} is what a person was meant to read`, async (t) => {
    const output = newest.says(program)
    const expected = join(root, 'test/consumer', program, 'errors.txt')
    if (process.env.UPDATE_ERRORS) await writeFile(expected, output)
    t.match(output, ': error TS')
    t.equal(output, await readFile(expected, 'utf8'))
  })
  t.test(`the oldest compiler objects to the same lines of ${program}`, async (t) => {
    t.strictSame(linesOf(oldest.says(program)), linesOf(newest.says(program)))
  })
}

const linesOf = (output: string) => [...new Set([...output.matchAll(/^[\w/-]+\.ts\((\d+),/gm)].map((match) => Number(match[1])))]
