import { mock } from 'node:test'
import type { FastifyReply, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { SessionStore } from '../../types/index.js'
import { type AppOptions, type AppSession, buildApp, type Client, setCookies } from './app.js'
import { FaultyStore } from './faulty-store.js'

/** What the tests of one store share. */
export interface Place {
  /** Of no other place on the same server. */
  readonly name: string
  readonly store: SessionStore
  /** The same data over a connection of its own. */
  readonly other: SessionStore
  readonly findsBySubject: boolean
}

/** A behaviour in words, and the check on any store. */
export type Rows = Readonly<Record<string, (t: Test, place: Place) => Promise<unknown>>>

export type Work = (session: AppSession, reply: FastifyReply) => unknown

export interface Ran extends LightMyRequestResponse {
  /** What the work returned. */
  readonly value: unknown
}

/** One application over one connection, whose handler is what `run` is given. `calls` and `keys` are what its store was asked. */
export async function httpApp (t: Pick<Test, 'teardown'>, store: SessionStore, options: Partial<AppOptions> = {}) {
  const spy = new FaultyStore(store)
  const built = await buildApp(t, { backend: 'memory', store: spy, ...options })
  const { app, client } = built
  const works: Work[] = []
  const values: unknown[] = []
  app.get<{ Params: { work: number } }>('/run/:work', async (request, reply) => {
    const { work } = request.params
    values[work] = await works[work]?.(built.handle.get(request), reply)
    return reply.sent ? reply : 'done'
  })
  async function run (work: Work, by: Client = client): Promise<Ran> {
    const index = works.push(work) - 1
    // The client's cookies, but always this application: a client may be given to either.
    const response = await app.inject({ url: `/run/${index}`, headers: by.header === '' ? {} : { cookie: by.header } })
    by.take(setCookies(response.headers))
    return Object.assign(response, { value: values[index] })
  }
  /** The data that a token reads; `null` when it reads none. */
  async function read (token: string | undefined): Promise<Record<string, unknown> | null> {
    const visitor = built.newClient()
    if (token !== undefined) visitor.jar.set('__Host-Http-session', token)
    const { value } = await run((session) => session.isNew ? null : session.data(), visitor)
    return value as Record<string, unknown> | null
  }
  const keys = () => [...new Set(spy.arguments.map(([id]) => String(id)))]
  const forget = () => { spy.calls.length = spy.arguments.length = 0 }
  return { ...built, spy, run, read, keys, forget }
}

/** Two applications of one kind, each with its own connection: what one keeps, the other has to find. */
export async function httpScene (t: Pick<Test, 'teardown'>, { store, other }: Place, options: Partial<AppOptions> = {}) {
  // No row is about a store that takes its time, and a busy machine does.
  const patient = { storeTimeout: 30, ...options }
  const here = await httpApp(t, store, patient)
  const there = await httpApp(t, other, patient)
  return { ...here, there, elsewhere: async () => await there.read(here.client.token) }
}

/** Stops the application's clock; timers go on, because drivers need theirs. */
export function stopClock (t: Pick<Test, 'teardown'>): (milliseconds: number) => void {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  return (milliseconds) => mock.timers.tick(milliseconds)
}

/** The same records with deadlines far away: only the plugin's own check can find that a session is over. */
export function forgetsNothing (store: SessionStore): SessionStore {
  const far = () => Date.now() + 200 * 86_400_000
  return {
    create: async (id, payload, _, subject) => await store.create(id, payload, far(), subject),
    load: async (id) => await store.load(id),
    replace: async (id, expected, payload, _, subject) => await store.replace(id, expected, payload, far(), subject),
    touch: async (id) => await store.touch(id, far()),
    delete: async (id) => await store.delete(id)
  }
}

/** Runs the rows on every store of the place's table. */
export async function runRows (t: Test, place: Place, rows: Rows): Promise<void> {
  for (const [name, check] of Object.entries(rows)) await t.test(name, async t => { await check(t, place) })
}
