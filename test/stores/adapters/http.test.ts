import { join } from 'node:path'
import { RedisStore } from 'connect-redis'
import expressSession from 'express-session'
import t, { type Test } from 'tap'
import { connectStore } from '../../../lib/stores/adapters/connect.js'
import { fileStore } from '../../../lib/stores/file.js'
import { MemoryStore } from '../../../lib/stores/memory.js'
import { migratingStore } from '../../../lib/stores/adapters/migrating.js'
import { tieredStore } from '../../../lib/stores/adapters/tiered.js'
import type { SessionStore } from '../../../types/store.js'
import { scratch } from '../../support/file-scene.js'
import { httpScene, runRows, stopClock } from '../../support/http-scene.js'
import { httpRows } from '../../support/http-rows.js'
import { redisClient } from '../../support/connect-redis.js'
import { redisMissing } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'
import { openStore, prepareStore } from '../../support/engine.js'

/** Seconds. */
const STALENESS = 5

/** One store for each of two processes that share the sessions. */
type Pair = readonly [SessionStore, SessionStore]

type Adapter = (t: Test) => Promise<Pair> | Pair

const memory = () => new MemoryStore({ maxEntries: 10_000 })
const files = (t: Test) => fileStore({ directory: join(scratch(t), 'sessions'), lockTimeout: 10 })

async function sqlite (t: Test): Promise<SessionStore> {
  const address = { engine: 'sqlite', server: 'better-sqlite3', client: 'better-sqlite3', at: join(scratch(t), 'sessions.db') }
  await prepareStore(address)
  const { store, close } = await openStore(address)
  t.teardown(close)
  return store
}

async function redis (t: Test) {
  return new RedisStore({ client: await redisClient(t) })
}

/** A cache in each process, before what they share. */
function tiers (store: SessionStore, staleness: number): Pair {
  return [tieredStore({ cache: memory(), store, staleness }), tieredStore({ cache: memory(), store, staleness })]
}

/** Those that promise all that the contract asks for. */
const adapters: Record<string, Adapter> = {
  memoryStore () {
    const store = memory()
    return [store, store]
  },
  'tieredStore, files behind a cache that the processes share' (t) {
    const parts = { cache: memory(), store: files(t) }
    return [tieredStore(parts), tieredStore(parts)]
  },
  // What is stale may be read: here nothing is so for long enough. Below it is.
  'tieredStore, SQLite behind a cache in each process': async (t) => tiers(await sqlite(t), 1e-9),
  async 'migratingStore, from files to SQLite' (t) {
    const parts = { from: files(t), to: await sqlite(t) }
    return [migratingStore(parts), migratingStore(parts)]
  },
  async 'migratingStore, both processes prepared' (t) {
    const parts = { from: files(t), to: await sqlite(t), prepare: true }
    return [migratingStore(parts), migratingStore(parts)]
  },
  async 'migratingStore, one process prepared and the other moving' (t) {
    const parts = { from: files(t), to: await sqlite(t) }
    return [migratingStore({ ...parts, prepare: true }), migratingStore(parts)]
  }
}

/**
 * Those that do not. What they lack shows between two calls of two processes to one session, which the race tests are
 * about: they are not run here. Every row of one application is.
 */
const foreign: Record<string, Adapter> = {
  'connectStore, over the memory store of express-session' () {
    const store = new expressSession.MemoryStore()
    return [connectStore(store), connectStore(store)]
  },
  async 'connectStore, over connect-redis' (t) {
    const store = await redis(t)
    return [connectStore(store), connectStore(store)]
  }
}

function placeOf (name: string, [store, other]: Pair) {
  return { name, store, other, findsBySubject: store.findBySubject !== undefined }
}

for (const [name, open] of Object.entries(adapters)) {
  t.test(name, async (t) => {
    const place = placeOf(name, await open(t))
    t.not(place.store.atomic, false)
    t.ok(place.findsBySubject)
    await runRows(t, place, httpRows)
  })
}

for (const [name, open] of Object.entries(foreign)) {
  t.test(name, async (t) => {
    const missing = name.includes('redis') ? redisMissing() : undefined
    if (missing !== undefined) return skipOrFail(t, missing)
    const place = placeOf(name, await open(t))
    t.equal(place.store.atomic, false, 'it says so')
    t.notOk(place.findsBySubject)
    await runRows(t, place, httpRows)
  })
}

t.test('tieredStore with a cache in each process reads what may be stale, and saves nothing that is built on it', async (t) => {
  const place = placeOf('tiers', tiers(await sqlite(t), STALENESS))
  const tick = stopClock(t)
  const { run, there, client } = await httpScene(t, place)
  await run((session) => { session.visits = 1 })
  t.equal((await there.run((session) => session.visits, client)).value, 1)
  await run((session) => { session.visits = 2; session.note = 'here' })
  t.equal((await there.run((session) => session.visits, client)).value, 1, 'stale')
  await there.run((session) => { session.theme = 'dark' }, client)
  tick(STALENESS * 1000)
  for (const process of [{ run }, there]) {
    t.match((await process.run((session) => session.data(), client)).value, { visits: 2, note: 'here', theme: 'dark' }, 'nothing was lost')
  }
  await run((session) => session.destroy())
  tick(STALENESS * 1000)
  t.equal((await there.run((session) => session.isNew, client)).value, true)
})
