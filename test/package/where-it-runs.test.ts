import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { pack, run } from '../support/packed.js'
import { commands, environment, linkRuntimes, start, Visitor, writePrograms } from '../support/platforms.js'
import { root } from '../support/root.js'
import { skipOrFail } from '../support/skip.js'

// The programs of docs/where-it-runs.md, with the package as it is published.

t.jobs = 2

const packed = await pack()
t.teardown(() => packed.remove())
const folder = await packed.installCopy('test/platforms')
const runtimes = linkRuntimes(folder)
const names = writePrograms(folder)
// A procedure that goes on when it is told to: a streamed response has begun by then.
const late = readFileSync(join(folder, 'trpc.ts'), 'utf8').replace('({ ctx: { session } }) => ++session.visits', 'async ({ ctx: { session } }) => { await told; return ++session.visits }')
writeFileSync(join(folder, 'trpc-late.ts'), `${late}\nconst told = new Promise((resolve) => process.once('SIGUSR2', resolve))\n`)
const compiled = await run(process.execPath, [join(root, 'node_modules/ts7/bin/tsc'), '-p', '.', '--pretty', 'false'], folder)

t.test('the programs of the page compile', async (t) => {
  t.strictSame([...names].sort(), ['app.ts', 'lambda.ts', 'nest.ts', 'server.ts', 'trpc.ts'])
  t.equal(compiled.output, '')
  t.equal(compiled.status, 0)
})

/** Runs a command of the page to its end. */
const runIn = async (folder: string, command: string, more: NodeJS.ProcessEnv = {}) =>
  await run('env', ['-i', ...Object.entries(environment(folder, more)).map(([name, value]) => `${name}=${value}`), 'sh', '-c', command], folder)

/** In the project: Deno lets nobody write under /dev, where the scratch folder may be. */
const directoryFor = (t: Test) => mkdtempSync(join(t.testdir(), 'sessions-'))

/** Signs in, changes the session, reads it, signs out; once in the cookie, once in a store. Several addresses are instances of one application. */
function runs (title: string, begin: (t: Test, more: NodeJS.ProcessEnv) => Promise<readonly string[]>, prefix = '') {
  for (const place of ['cookie', 'store']) {
    t.test(`${title}, with the session in the ${place}`, { buffered: true }, async (t) => {
      const more = place === 'store' ? { SESSION_DIRECTORY: directoryFor(t) } : {}
      const visitor = new Visitor(...await begin(t, more))
      const me = async () => await visitor.get(`${prefix}/me`)
      t.match(await me(), { status: 401 })
      t.match(await visitor.post(`${prefix}/visit`), { status: /^20[01]$/, body: 1 })
      const before = visitor.cookie
      t.match(before, /^__Host-Http-session=/)
      t.match(await visitor.post(`${prefix}/login`), { status: /^20[01]$/ })
      t.match(await visitor.post(`${prefix}/visit`), { body: 2 })
      t.strictSame(await me(), { status: 200, body: { userId: 'ada', visits: 2 } })
      const copy = visitor.cookie
      t.match(await visitor.post(`${prefix}/logout`), { status: /^20[01]$/ })
      t.match(await me(), { status: 401 })
      t.equal(visitor.cookie, '')
      for (const [old, isOver] of [[before, true], [copy, place === 'store']] as const) {
        visitor.cookie = old
        t.equal((await me()).status, isOver ? 401 : 200)
      }
    })
  }
}

runs('Node runs it', async (t, more) => [(await start(t, 'node compiled/server.js', folder, more)).address])

for (const [name, test, ...databases] of [
  ['bun', 'bun test ./sqlite.mjs', 'bun:sqlite', 'node:sqlite'],
  ['deno', 'deno test --allow-all ./sqlite.mjs', 'node:sqlite']
] as const) {
  if (!runtimes[name]) {
    t.test(name, async (t) => skipOrFail(t, `npm has no ${name} for this machine`))
    continue
  }
  const [command = ''] = commands(name)
  runs(`${name} runs it`, async (t, more) => {
    const onDisk = name === 'deno' && more.SESSION_DIRECTORY !== undefined
    return [(await start(t, onDisk ? command.replace('run', 'run --allow-read --allow-write') : command, folder, more)).address]
  })
  for (const SQLITE of databases) {
    t.test(`${SQLITE} of ${name} keeps the contract of a store`, { buffered: true }, async (t) => {
      const { status, output } = await runIn(folder, test, { SQLITE })
      t.equal(status, 0, output)
      t.match(output, /\b(?:[5-9]\d|1\d\d) pass(?:ed)?\b/)
    })
  }
}

runs('AWS Lambda runs it, in two instances behind gateways of both payload formats', async (t, more) => {
  const gateways = ['1.0', '2.0'].map(async (version) => (await start(t, `node gateway.mjs compiled/lambda.js ${version}`, folder, more)).address)
  return await Promise.all(gateways)
})

runs('one file that esbuild has made runs alone', async (t, more) => {
  const [build = '', command = ''] = commands('npx esbuild')
  const built = await runIn(folder, build)
  t.equal(built.status, 0, built.output)
  const elsewhere = mkdtempSync(join(folder, '../bundle-'))
  cpSync(join(folder, 'server.mjs'), join(elsewhere, 'server.mjs'))
  return [(await start(t, command, elsewhere, more)).address]
})

runs('NestJS runs it', async (t, more) => [(await start(t, 'node compiled/nest.js', folder, more)).address])

runs('tRPC runs it', async (t, more) => [(await start(t, 'node compiled/trpc.js', folder, more)).address], '/trpc')

t.test('the procedures of a batch of tRPC share one session', { buffered: true }, async (t) => {
  const visitor = new Visitor((await start(t, 'node compiled/trpc.js', folder)).address)
  await visitor.post('/trpc/login')
  t.match(await visitor.post('/trpc/visit,visit?batch=1'), { body: [{ result: { data: 1 } }, { result: { data: 2 } }] })
  t.match(await visitor.get('/trpc/me'), { body: { visits: 2 } })
})

t.test('a change after the head of a stream of tRPC is lost, and the log says so', { buffered: true }, async (t) => {
  const { address, says, signal } = await start(t, 'node compiled/trpc-late.js', folder, { SESSION_DIRECTORY: directoryFor(t) })
  const visitor = new Visitor(address)
  await visitor.post('/trpc/login')
  const headers = { 'content-type': 'application/json', 'trpc-accept': 'application/jsonl', cookie: visitor.cookie }
  const begun = await fetch(`${address}/trpc/visit?batch=1`, { method: 'POST', headers, body: '{}' })
  signal('SIGUSR2')
  t.match(await begun.text(), /\[\[1\]\]|\b1\b/)
  t.match(await says(/"code":"FST_TYPED_SESSION_CHANGED_TOO_LATE"/), /LATE/)
  t.match(await visitor.get('/trpc/me'), { body: { userId: 'ada', visits: 0 } })
})
