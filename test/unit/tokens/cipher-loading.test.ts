import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { root } from '../../support/root.js'

const run = promisify(execFile)
const built = (file: string) => JSON.stringify(pathToFileURL(join(root, '.build/lib', file)).href)

interface Outcome { readonly error: { code: string, message: string, cause: string } | null, readonly visits: readonly string[], readonly compiled: number }

/** What a program of its own says that registers a session with these options, and visits it twice. */
async function visitTwice (options: string, ...flags: readonly string[]): Promise<Outcome> {
  const program = `
    import Fastify from 'fastify'
    import * as z from 'zod'
    import { createSession } from ${built('index.js')}
    import { memoryStore } from ${built('stores/memory.js')}
    let compiled = 0
    for (const name of ['instantiate', 'compile', 'Module']) {
      const original = globalThis.WebAssembly?.[name]
      if (original) WebAssembly[name] = new Proxy(original, {
        apply (...args) { compiled++; return Reflect.apply(...args) },
        construct (...args) { compiled++; return Reflect.construct(...args) }
      })
    }
    const handle = createSession(z.object({ visits: z.number().default(0) }), { secret: ${JSON.stringify(randomBytes(32).toString('base64url'))}, ${options} })
    const app = Fastify()
    app.register(handle.plugin)
    app.get('/', async (request) => ++request.session.visits)
    const error = await app.ready().then(() => null, ({ code, message, cause }) => ({ code, message, cause: String(cause) }))
    const visits = []
    for (let cookie; error === null && visits.length < 2;) {
      const { body, cookies } = await app.inject({ url: '/', headers: cookie ? { cookie } : {} })
      cookie = cookies.map(({ name, value }) => name + '=' + value).join()
      visits.push(body)
    }
    if (error === null) await app.sessions.reloadSecrets()
    process.stdout.write(JSON.stringify({ error, visits, compiled }))
  `
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', program], { cwd: root })
  return JSON.parse(stdout) as Outcome
}

t.test('a session in the cookie loads the cipher', async (t) => {
  for (const options of ['', 'revocations: memoryStore()']) {
    const { error, visits, compiled } = await visitTwice(options)
    t.strictSame({ error, visits }, { error: null, visits: ['1', '2'] })
    t.ok(compiled > 0)
  }
})

t.test('a session in a store never loads it: there it runs without WebAssembly, too', async (t) => {
  t.strictSame(await visitTwice('store: memoryStore()'), { error: null, visits: ['1', '2'], compiled: 0 })
  t.strictSame(await visitTwice('store: memoryStore()', '--jitless'), { error: null, visits: ['1', '2'], compiled: 0 })
})

t.test('where there is no WebAssembly, a session in the cookie is refused at register', async (t) => {
  const { error } = await visitTwice('', '--jitless')
  t.match(error, { code: 'FST_TYPED_SESSION_CIPHER_UNAVAILABLE', message: /WebAssembly.*--jitless.*store/, cause: /WebAssembly is not defined/ })
})
