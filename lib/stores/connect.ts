import type { ReplaceOutcome, SessionStore } from '../../types/index.js'
import { InvalidOption } from '../errors.js'

type Callback<T> = (error?: unknown, value?: T) => void

/** What is used of a store written for express-session (connect-redis, connect-pg-simple, connect-mongo, …). */
export interface ConnectStore {
  get (id: string, callback: Callback<unknown>): unknown
  set (id: string, session: never, callback: Callback<unknown>): unknown
  destroy (id: string, callback: Callback<unknown>): unknown
}

/** The shape these stores know: they read `cookie.expires`, and keep the rest as it is. */
interface Kept {
  readonly cookie: { readonly expires: Date, readonly originalMaxAge: number, readonly httpOnly: true, readonly path: '/' }
  readonly payload: string
  readonly expiresAt: number
}

/**
 * Keeps sessions in a store written for express-session. Such a store has one blind write, so across processes two parallel
 * saves can lose one, and a late one can bring a session back: `capabilities` says so. Within one process calls for one id
 * wait for each other, and nothing is lost. It finds nobody by subject. Throws `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function connectStore (store: ConnectStore): SessionStore {
  if (!['get', 'set', 'destroy'].every((name) => typeof (store as unknown as Record<string, unknown> | null | undefined)?.[name] === 'function')) {
    throw new InvalidOption('connectStore(store)', 'needs a store with the methods get, set and destroy')
  }
  const alone = createTurns()

  async function read (id: string): Promise<string | null> {
    const found = await call<unknown>((done) => store.get(id, done)).catch(noEntry)
    if (!isKept(found) || found.expiresAt <= Date.now()) return null
    return found.payload
  }

  async function write (id: string, payload: string, expiresAt: number): Promise<void> {
    const cookie = { expires: new Date(expiresAt), originalMaxAge: expiresAt - Date.now(), httpOnly: true, path: '/' } as const
    const session: Kept = { cookie, payload, expiresAt }
    await call((done) => store.set(id, session as never, done))
  }

  return {
    capabilities: { atomicCreate: false, compareAndSet: false, safeTouch: false },

    create: (id, payload, expiresAt) => alone(id, async () => {
      if (await read(id) !== null) return false
      await write(id, payload, expiresAt)
      return true
    }),

    load: (id) => alone(id, () => read(id)),

    replace: (id, expected, payload, expiresAt) => alone(id, async (): Promise<ReplaceOutcome> => {
      const current = await read(id)
      if (current !== expected) return current === null ? 'missing' : 'conflict'
      await write(id, payload, expiresAt)
      return 'replaced'
    }),

    touch: (id, expiresAt) => alone(id, async () => {
      const current = await read(id)
      if (current === null) return false
      await write(id, current, expiresAt)
      return true
    }),

    delete: (id) => alone(id, async () => {
      await call((done) => store.destroy(id, done)).catch(noEntry)
    })
  }
}

/** A promise takes the first answer only, and what waits for it runs on a stack of its own: these stores need both. */
function call<T> (start: (done: Callback<T>) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    start((error, value) => error ? reject(error) : resolve(value))
  })
}

function noEntry (error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

function isKept (found: unknown): found is Kept {
  return typeof found === 'object' && found !== null && 'payload' in found && typeof found.payload === 'string' &&
    'expiresAt' in found && typeof found.expiresAt === 'number'
}

/** Runs what concerns one id one after the other. */
function createTurns (): <T>(id: string, turn: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (id, turn) => {
    const mine = (last.get(id) ?? Promise.resolve()).then(turn, turn)
    last.set(id, mine)
    const forget = () => { if (last.get(id) === mine) last.delete(id) }
    mine.then(forget, forget)
    return mine
  }
}
