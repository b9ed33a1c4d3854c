import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serve, tell } from '../src/control.mjs'
import { newVisitor, schemaOf } from '../src/session.mjs'
import { newFastify } from '../src/subjects/routes.mjs'
import { openStore } from './store.mjs'

// Ours over one store, with what the scale runs ask for: counted compare-and-sets, expired rows, a sweep.
const plan = JSON.parse(process.argv[2] ?? '{}')
const counts = { replaced: 0, conflict: 0, missing: 0 }

try {
  const store = counted(await openStore(plan))
  const { app } = await build(store)
  await app.ready()
  serve(app.server, {
    counts: () => ({ ...counts }),
    fill: () => fill(store, Number(process.env.BENCH_EXPIRED ?? 1_000_000)),
    sweep: () => sweep(app)
  })
} catch (error) {
  tell({ type: 'unavailable', reason: error instanceof Error ? error.message : String(error) })
}

/** The same store, and what came of every `replace`. @param {any} store */
function counted (store) {
  const replace = store.replace.bind(store)
  store.replace = async (/** @type {[string, string, string, number]} */ ...args) => {
    const outcome = await replace(...args)
    counts[/** @type {keyof typeof counts} */ (outcome)]++
    return outcome
  }
  return store
}

/** @param {any} store @returns {Promise<any>} */
async function build (store) {
  const load = (/** @type {string} */ path) => import(pathToFileURL(join(plan.root, path)).href)
  const { z } = await load('node_modules/zod/index.js')
  const app = /** @type {any} */ (newFastify())
  await app.register((await load('node_modules/@fastify/cookie/index.js')).default)
  await app.register((await load('dist/lib/index.js')).default, { schema: schemaOf(z), secret: plan.secret, cookie: { secure: false }, store })
  app.get('/new', async (/** @type {any} */ { session }) => { Object.assign(session, newVisitor()); return { ok: true } })
  app.get('/read', async (/** @type {any} */ { session }) => ({ visits: session.visits, userId: session.userId }))
  app.get('/write', async (/** @type {any} */ { session }) => ({ visits: ++session.visits }))
  app.get('/update', async (/** @type {any} */ { session }) => {
    await session.update((/** @type {any} */ data) => { data.visits++ })
    return { visits: session.visits }
  })
  return { app }
}

/** Rows that ended a minute ago, put there through the store itself. @param {any} store @param {number} rows */
async function fill (store, rows) {
  const payload = JSON.stringify({ version: 1, createdAt: 0, usedAt: 0, data: newVisitor() })
  const expiresAt = Date.now() - 60_000
  let made = 0
  const one = async () => {
    while (made++ < rows) await store.create(`bench${randomBytes(16).toString('hex')}`, payload, expiresAt)
  }
  await Promise.all(Array.from({ length: 40 }, one))
  return { rows }
}

/** @param {any} app */
async function sweep (app) {
  const start = performance.now()
  const removed = await app.sessions.sweep()
  return { removed, milliseconds: performance.now() - start }
}
