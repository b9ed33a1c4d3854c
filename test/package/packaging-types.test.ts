import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { pack, run } from '../support/packed.js'
import { root } from '../support/root.js'

const programs = ['register', 'with-session', 'create-session', 'union', 'storable', 'undefined-options', 'route-hooks', 'bundler', 'commonjs', 'before-passport', 'after-passport', 'drivers', 'node-sqlite', 'sockets', 'declaration']
const misuses = ['misuse', 'misuse-options', 'misuse-register']

t.jobs = 2

const packed = await pack()
t.teardown(() => packed.remove())
const folder = await packed.install('fastify', '@fastify/cookie', 'zod', 'fastify-type-provider-zod', '@fastify/swagger', 'openapi-types',
  '@fastify/autoload', '@fastify/csrf-protection', '@fastify/flash', '@fastify/passport', '@fastify/websocket', 'ws', '@types/ws', 'expect-type', '@types/node', 'better-sqlite3', '@types/better-sqlite3',
  '@aws-sdk/client-dynamodb', 'ioredis', 'memcache-client', 'mongodb', 'mysql2', 'pg', '@types/pg', 'postgres', 'redis')
// The types of Node.js 20 have no node:sqlite.
const newerNode = await packed.install('@types/node@^24')

/** The slow compilers check the declarations of all packages in these only; 7.0 does in each. */
const withAllDeclarations = ['drivers', 'sockets', 'bundler', 'commonjs']

const folderOf = (program: string) => program === 'node-sqlite' ? join(newerNode, program) : program

/** A compiler in JavaScript says everything in one process; the native one is as fast by itself. */
async function whatSays (compiler: string): Promise<(program: string) => Promise<string>> {
  if (compiler === 'ts7') {
    return async (program) => {
      const { status, output } = await run(process.execPath, [join(root, 'node_modules/ts7/bin/tsc'), '-p', folderOf(program), '--pretty', 'false'], folder)
      return output === '' && status !== 0 ? `it ended with ${status}` : output
    }
  }
  const all = [...programs, ...misuses]
  const asked = all.map((program) => folderOf(program) + (withAllDeclarations.includes(program) ? '' : ':skipLibCheck'))
  const { output } = await run(process.execPath, [join(root, '.build/test/support/type-check.js'), compiler, ...asked], folder)
  const said = JSON.parse(output) as string[]
  return async (program) => said[all.indexOf(program)] as string
}

const compilers = await Promise.all(Object.entries({ 5.9: 'ts59', '6.0': 'typescript', '7.0': 'ts7' }).map(async ([version, compiler]) => ({ version, says: await whatSays(compiler) })))
const newest = compilers[2] as typeof compilers[number]

for (const { version, says } of compilers) {
  for (const program of programs) {
    t.test(`TypeScript ${version} compiles ${program}, and finds the mistakes in it`, { buffered: true }, async (t) => {
      t.equal(await says(program), '')
    })
  }
}

for (const program of misuses) {
  t.test(`what TypeScript 7.0 says about ${program} is what a person was meant to read`, async (t) => {
    const output = await newest.says(program)
    const expected = join(root, 'test/consumer', program, 'errors.txt')
    if (process.env.UPDATE_ERRORS) await writeFile(expected, output)
    t.match(output, ': error TS')
    t.equal(output, await readFile(expected, 'utf8'))
  })
  t.test(`every compiler objects to the same lines of ${program}`, async (t) => {
    const lines = await Promise.all(compilers.map(async ({ says }) => linesOf(await says(program))))
    t.strictSame(lines[0], lines[2])
    t.strictSame(lines[1], lines[2])
  })
}

const linesOf = (output: string) => [...new Set([...output.matchAll(/^[\w/-]+\.ts\((\d+),/gm)].map((match) => Number(match[1])))]
