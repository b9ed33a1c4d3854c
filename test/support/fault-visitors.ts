import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { SessionStore } from '../../types/store.js'
import { type AppOptions, type Client, setCookies } from './app.js'
import { busy } from './busy.js'
import { UNAVAILABLE } from './failure-app.js'
import { httpApp } from './http-scene.js'

/** Seconds, for one call of the store: so long that a busy machine answers where nothing is broken. */
export const STORE_TIMEOUT = busy() / 1000
/** Milliseconds within which sessions are back once their server is. */
export const RECOVERY = 1000

interface Visitor {
  readonly owner: string
  readonly client: Client
  /** How often this visitor's counter was tried to be counted up, and how often that was acknowledged. */
  attempts: number
  acknowledged: number
}

export type Outcome = 'served' | 'unavailable' | 'anonymous'

/**
 * Visitors of one application, each with a session that carries its owner's name. Every answer is checked: it came in
 * time, it is the visitor's own session or one opaque 503, and nothing was said beside it.
 */
export async function visitors (t: Test, store: SessionStore, options: Partial<AppOptions> = {}) {
  const { run, app, newClient, client: nobody } = await httpApp(t, store, { storeTimeout: STORE_TIMEOUT, ...options })
  const all: Visitor[] = []
  // load, replace, load of the latest, replace
  const limit = () => 4 * STORE_TIMEOUT * 1000 + 3 * busy()

  async function begin (count: number) {
    const first = all.length
    for (let index = first; index < first + count; index++) {
      const visitor = { owner: `owner ${index}`, client: newClient(), attempts: 0, acknowledged: 0 }
      const { statusCode } = await run((session) => { session.note = visitor.owner }, visitor.client)
      t.equal(statusCode, 200, `${visitor.owner} begins`)
      all.push(visitor)
    }
  }

  async function ask (visitor: Visitor, write: boolean): Promise<Outcome> {
    const { owner, client } = visitor
    const start = performance.now()
    if (write) visitor.attempts++
    const response = await run((session) => {
      const { isNew, note } = session
      if (write && isNew) session.note = owner
      else if (write) session.visits++
      return isNew ? 'anonymous' : note
    }, client)
    const took = performance.now() - start
    if (took > limit()) t.fail(`${owner} waited ${Math.round(took)} ms`)
    if (response.statusCode === 503) {
      const opaque = isDeepStrictEqual(response.json(), UNAVAILABLE) && setCookies(response.headers).length === 0
      if (!opaque) t.fail(`a 503 that says ${response.body}`)
      return 'unavailable'
    }
    if (response.statusCode === 200 && response.value === owner) {
      if (write) visitor.acknowledged++
      return 'served'
    }
    if (response.value !== 'anonymous') t.fail(`${owner} got ${response.statusCode}, the session of ${String(response.value)}`)
    // Who writes without a session begins anew.
    if (write) visitor.attempts = visitor.acknowledged = 0
    return 'anonymous'
  }

  /** Everybody reads or writes at once, or one of them; what they got, each kind once. */
  async function everybody (what: 'read' | 'write' | 'both' = 'both'): Promise<Outcome[]> {
    const outcomes = await Promise.all(all.map(async (visitor, index) => await ask(visitor, what === 'write' || (what === 'both' && index % 2 === 0))))
    return [...new Set(outcomes)].sort()
  }

  /** Asks until everybody has a session again, within a second unless the client needs longer; then all are whole. */
  async function recover ({ within = RECOVERY, lossy = false } = {}): Promise<void> {
    const start = performance.now()
    const elapsed = () => Math.round(performance.now() - start)
    // A pool may hold another connection that died: so whoever reads has to write as well.
    const served = async () => {
      const seen = await everybody('read')
      return isDeepStrictEqual(seen, ['served']) ? await everybody('write') : seen
    }
    let seen = await served()
    while (!isDeepStrictEqual(seen, ['served']) && elapsed() < within + 3 * busy()) {
      await sleep(20)
      seen = await served()
    }
    t.strictSame(seen, ['served'], `recovered after ${elapsed()} ms`)
    t.ok(elapsed() <= within + busy(), `within ${within} ms, and what a busy machine adds`)
    await whole({ lossy })
  }

  /** No acknowledged write is lost, unless the engine may do so, and none is there that nobody made. */
  async function whole ({ lossy = false } = {}): Promise<void> {
    for (const { owner, client, attempts, acknowledged } of all) {
      const { value } = await run((session) => [session.note, session.visits], client)
      const [note, visits] = value as [string, number]
      if (note !== owner || (visits < acknowledged && !lossy) || visits > attempts) t.fail(`${owner} has ${visits} of ${note}, ${acknowledged} to ${attempts} were written`)
    }
  }

  /** Requests without end; stops them when it is called. `seen`: what they got so far. */
  function hammer (): (() => Promise<Map<Outcome, number>>) & { readonly seen: ReadonlyMap<Outcome, number> } {
    const state = { running: true }
    const seen = new Map<Outcome, number>()
    const work = all.map(async (visitor, index) => {
      while (state.running) {
        const outcome = await ask(visitor, index % 2 === 0)
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        await sleep(5)
      }
    })
    const stop = async () => {
      state.running = false
      await Promise.all(work)
      return seen
    }
    return Object.assign(stop, { seen })
  }

  return { app, run, nobody, begin, everybody, recover, whole, hammer, forget: () => { all.length = 0 } }
}
