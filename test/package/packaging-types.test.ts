import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { entries } from '../support/entries.js'
import { pack, run } from '../support/packed.js'
import { root } from '../support/root.js'

const programs = ['register', 'handles', 'union', 'undefined-options', 'bundler', 'commonjs', 'before-passport', 'after-passport', 'drivers', 'node-sqlite', 'sockets', 'declaration']
const misuses = ['misuse', 'misuse-options', 'misuse-register']

const packed = await pack()
t.teardown(() => packed.remove())
const folder = await packed.install('fastify', '@fastify/cookie', 'zod', 'fastify-type-provider-zod', '@fastify/swagger', 'openapi-types',
  '@fastify/autoload', '@fastify/csrf-protection', '@fastify/flash', '@fastify/passport', '@fastify/websocket', 'ws', '@types/ws', 'expect-type', '@types/node', 'better-sqlite3', '@types/better-sqlite3',
  '@aws-sdk/client-dynamodb', 'ioredis', 'memcache-client', 'mongodb', 'mysql2', 'pg', '@types/pg', 'postgres', 'redis')
// The types of Node.js 20 have no node:sqlite.
const newerNode = await packed.install('@types/node@^24')

/** Every entry of the package: in it a compiler checks all declarations. */
const complete = 'bundler'
const everything = [...programs, ...misuses]

interface Compiler { readonly version: string, readonly programs: readonly string[], says (program: string): string }

/** The oldest compiler and the newest see each program, the one between them all declarations. */
const oldest = await compilerOf('5.9', 'ts59', everything)
const newest = await compilerOf('7.0', 'ts7', everything)
const between = await compilerOf('6.0', 'typescript', [complete])

async function compilerOf (version: string, name: string, programs: readonly string[]): Promise<Compiler> {
  const folders = programs.map((program) => join(program === 'node-sqlite' ? newerNode : folder, program) + (program === complete ? '' : ':skipLibCheck'))
  const said = name === 'ts7' ? await askEach(folders) : await askAtOnce(name, folders)
  return { version, programs, says: (program) => said[programs.indexOf(program)] as string }
}

/** The native compiler is a program, and fast. */
async function askEach (folders: readonly string[]): Promise<string[]> {
  const said: string[] = []
  for (const asked of folders) {
    const [path = '', trusts] = asked.split(':')
    const { status, output } = await run(process.execPath, [join(root, 'node_modules/ts7/bin/tsc'), '-p', path, '--pretty', 'false', ...trusts === undefined ? [] : ['--skipLibCheck']], folder)
    said.push(output === '' && status !== 0 ? `it ended with ${status}` : output)
  }
  return said
}

/** A compiler in JavaScript says everything in one process. */
async function askAtOnce (compiler: string, folders: readonly string[]): Promise<string[]> {
  const { output } = await run(process.execPath, [join(root, '.build/test/support/type-check.js'), compiler, ...folders], folder)
  return JSON.parse(output) as string[]
}

t.test('the program whose declarations are all checked imports every entry', async (t) => {
  const program = await readFile(join(root, 'test/consumer', complete, 'app.ts'), 'utf8')
  const exported = Object.keys(entries).filter((entry) => entry !== './package.json')
  t.ok(exported.length > 10)
  t.strictSame(exported.filter((entry) => !program.includes(`fastify-typed-session${entry.slice(1)}'`)), [])
})

for (const { version, programs: all, says } of [oldest, between, newest]) {
  for (const program of programs.filter((program) => all.includes(program))) {
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
