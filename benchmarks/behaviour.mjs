// What each package does in the same seven situations: the table "Beside others" of the README.
//   npm run build && npm ci --prefix benchmarks && node benchmarks/behaviour.mjs
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import cookiePlugin from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'
import { getIronSession } from 'iron-session'

const load = (/** @type {string} */ path) => import(new URL(path, pathToFileURL(`${import.meta.dirname}/../`)).href)
const { default: session } = await load('dist/lib/index.js')
const { memoryStore } = await load('dist/lib/stores/memory.js')
const { z } = await load('node_modules/zod/index.js')

const HOUR = 3600
const PASSWORD = 'a secret with minimum length of 32 characters'
const schema = z.object({
  userId: z.string().optional(),
  a: z.string().optional(),
  b: z.string().optional(),
  n: z.number().optional(),
  cart: z.array(z.string()).default([])
})

let ahead = 0
const { now } = Date
Date.now = () => now() + ahead

/** A session whose keys are properties of `request.session`. */
const properties = {
  /** @param {any} request @returns {any} */
  open: (request) => request.session,
  /** @param {any} session @param {string} key */
  read: (session, key) => session[key],
  /** @param {any} session @param {string} key @param {unknown} value */
  write: (session, key, value) => { session[key] = value },
  /** @param {any} session */
  destroy: (session) => session.destroy(),
  save: () => {}
}

/** Each as its documents show it, with a limit of an hour. @type {Record<string, any>} */
const subjects = {
  cookie: ours(() => ({})),
  '`revocations`': ours(() => ({ revocations: memoryStore() })),
  store: ours(() => ({ store: memoryStore() })),
  '`@fastify/session`': {
    ...properties,
    async register (/** @type {any} */ app) {
      await app.register(cookiePlugin)
      await app.register(fastifySession, { secret: PASSWORD, saveUninitialized: false, cookie: { secure: false, maxAge: HOUR * 1000 } })
    }
  },
  '`@fastify/secure-session`': {
    ...properties,
    register: (/** @type {any} */ app) => app.register(secureSession, { key: randomBytes(32), cookie: { path: '/' }, expiry: HOUR }),
    read: (/** @type {any} */ session, /** @type {string} */ key) => session.get(key),
    write: (/** @type {any} */ session, /** @type {string} */ key, /** @type {unknown} */ value) => session.set(key, value),
    destroy: (/** @type {any} */ session) => session.delete()
  },
  '`iron-session`': {
    ...properties,
    register: async () => {},
    open: (/** @type {any} */ request, /** @type {any} */ reply) => getIronSession(request.raw, reply.raw, { password: PASSWORD, cookieName: 'iron', ttl: HOUR }),
    save: (/** @type {any} */ session) => session.save()
  }
}

/** @param {() => object} options */
function ours (options) {
  return { ...properties, register: (/** @type {any} */ app) => app.register(session, { schema, secret: randomBytes(32), rotateOn: ['userId'], idleTimeout: HOUR, ...options() }) }
}

/** By what the README's table says. Each begins with a new application. @type {Record<string, (scene: Awaited<ReturnType<typeof play>>) => Promise<boolean>>} */
const checks = {
  async 'refuses a value of the wrong type' ({ visitor }) {
    const { go, me } = visitor()
    await go('/wrong')
    return (await me()).n === undefined
  },
  async 'saves `cart.push(\'tea\')` by itself' ({ visitor }) {
    const { go, me } = visitor()
    await go('/fill')
    await go('/push')
    return (await me()).cart.includes('tea')
  },
  async 'a sign-in does not sign in a cookie from before it' ({ visitor }) {
    const { go, cookies } = visitor()
    await go('/fill')
    const before = visitor(cookies())
    await go('/login')
    return (await before.me()).userId === undefined
  },
  async 'keeps both of two parallel changes' ({ visitor, gates }) {
    const { go, me } = visitor()
    await go('/login')
    const requests = [go('/slow/a'), go('/slow/b')]
    while (gates.size < 2) await turn()
    for (const key of ['a', 'b']) {
      gates.get(key)?.()
      await requests.shift()
    }
    const { a, b } = await me()
    return a === 'changed' && b === 'changed'
  },
  async 'a copy of the cookie is dead after signing out' ({ visitor }) {
    const { go, cookies } = visitor()
    await go('/login')
    const thief = visitor(cookies())
    await go('/logout')
    return (await thief.me()).userId === undefined
  },
  async 'a write that crosses the sign-out cannot undo it' ({ visitor, gates }) {
    const { go, me } = visitor()
    await go('/login')
    const slow = go('/slow/a')
    while (gates.size < 1) await turn()
    await go('/logout')
    gates.get('a')?.()
    await slow
    return (await me()).userId === undefined
  },
  async 'reading keeps a session alive' ({ visitor }) {
    const { go, me } = visitor()
    await go('/login')
    for (let i = 0; i < 8; i++) {
      ahead += HOUR * 300
      await me()
    }
    return (await me()).userId === 'ada'
  }
}

/** @param {typeof subjects[string]} subject */
async function play ({ register, open, read, write, save, destroy }) {
  const app = Fastify()
  await register(app)
  /** @type {Map<string, () => void>} */
  const gates = new Map()
  /** @param {string} url @param {(session: any) => unknown} handle */
  const route = (url, handle) => app.get(url, async (request, reply) => await handle(await open(request, reply)) ?? 'done')
  /** @param {string} key @param {unknown} value */
  const writing = (key, value) => async (/** @type {any} */ session) => {
    write(session, key, value)
    await save(session)
  }
  route('/login', writing('userId', 'ada'))
  route('/fill', writing('cart', ['milk']))
  route('/wrong', writing('n', 'no number'))
  route('/push', (session) => { read(session, 'cart').push('tea') })
  route('/logout', (session) => destroy(session))
  route('/me', (session) => Object.fromEntries(['userId', 'a', 'b', 'n', 'cart'].map((key) => [key, read(session, key)])))
  for (const key of ['a', 'b']) {
    route(`/slow/${key}`, async (session) => {
      read(session, 'userId')
      await new Promise((resolve) => { gates.set(key, () => resolve(undefined)) })
      await writing(key, 'changed')(session)
    })
  }

  /** A browser. @param {Record<string, string>} [jar] */
  function visitor (jar = {}) {
    /** @param {string} url */
    async function go (url) {
      const { headers, body } = await app.inject({ url, headers: { cookie: Object.entries(jar).map((pair) => pair.join('=')).join('; ') } })
      for (const line of [headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/; (?:max-age=0|expires=thu, 01 jan 1970)/i.test(line)) delete jar[name]
        else jar[name] = value
      }
      return body
    }
    return { go, me: async () => JSON.parse(await go('/me')), cookies: () => ({ ...jar }) }
  }
  return { app, gates, visitor }
}

const rows = []
for (const [what, check] of Object.entries(checks)) {
  const cells = []
  for (const subject of Object.values(subjects)) {
    ahead = 0
    const scene = await play(subject)
    cells.push(await check(scene) ? 'yes' : 'no')
    await scene.app.close()
  }
  rows.push([what, ...cells])
}
console.log([['', ...Object.keys(subjects)], Array(Object.keys(subjects).length + 1).fill('---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
