import type { Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, buildApp } from './app.js'
import { stopTime } from './clock.js'
import { FaultyStore } from './faulty-store.js'
import { watchProcess } from './process-events.js'

/** All that anybody is told. */
export const UNAVAILABLE = { statusCode: 503, code: 'FST_TYPED_SESSION_STORE_FAILED', error: 'Service Unavailable', message: 'The session is unavailable' }
/** Milliseconds, by default. */
export const TIMEOUT = 2_000

/** An application whose store can be broken, with a route for each thing that can be done with a session. Its time stands still. */
export async function faultyApp (t: Test, options: Partial<AppOptions> = {}) {
  stopTime(t)
  const processEvents = watchProcess(t)
  const memory = memoryStore()
  const store = new FaultyStore(memory)
  const scene = await buildApp(t, { backend: 'memory', store, ...options })
  const { app } = scene
  app.get('/read', async ({ session }) => session.data())
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/save', async ({ session }) => { session.visits++; await session.save() })
  app.get('/update', async ({ session }) => await session.update((data) => { data.visits++ }))
  app.get('/reload', async ({ session }) => await session.reload())
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/destroy', async ({ session }) => await session.destroy())
  app.get('/none', { config: { session: false } }, async () => 'ok')
  return { ...scene, ...processEvents, memory, store }
}
