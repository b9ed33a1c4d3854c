import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { pack, run } from '../support/packed.js'
import { root } from '../support/root.js'

const compilers = { 5.9: 'ts59', '6.0': 'typescript', '7.0': 'ts7' }
const programs = ['register', 'with-session', 'create-session', 'union', 'storable', 'undefined-options', 'route-hooks', 'bundler', 'commonjs', 'before-passport', 'after-passport', 'drivers', 'node-sqlite', 'sockets', 'declaration']
const misuses = ['misuse', 'misuse-options', 'misuse-register']

t.setTimeout(600_000)
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

const compile = (compiler: string, program: string) => {
  const trusts = compiler !== 'ts7' && !withAllDeclarations.includes(program)
  const options = ['-p', program, '--pretty', 'false', ...trusts ? ['--skipLibCheck'] : []]
  return run(process.execPath, [join(root, 'node_modules', compiler, 'bin/tsc'), ...options], program === 'node-sqlite' ? newerNode : folder)
}

for (const [version, compiler] of Object.entries(compilers)) {
  for (const program of programs) {
    t.test(`TypeScript ${version} compiles ${program}, and finds the mistakes in it`, { buffered: true }, async (t) => {
      const { status, output } = await compile(compiler, program)
      t.equal(output, '')
      t.equal(status, 0)
    })
  }
}

for (const program of misuses) {
  t.test(`what TypeScript 7.0 says about ${program} is what a person was meant to read`, async (t) => {
    const { status, output } = await compile('ts7', program)
    const expected = join(root, 'test/consumer', program, 'errors.txt')
    if (process.env.UPDATE_ERRORS) await writeFile(expected, output)
    t.not(status, 0)
    t.equal(output, await readFile(expected, 'utf8'))
  })
  t.test(`every compiler objects to the same lines of ${program}`, async (t) => {
    const lines = await Promise.all(Object.values(compilers).map(async (compiler) => linesOf((await compile(compiler, program)).output)))
    t.strictSame(lines[0], lines[2])
    t.strictSame(lines[1], lines[2])
  })
}

const linesOf = (output: string) => [...new Set([...output.matchAll(/^[\w/-]+\.ts\((\d+),/gm)].map((match) => Number(match[1])))]
