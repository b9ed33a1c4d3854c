import type { AsyncStore, ReplaceOutcome } from '../../../types/index.js'
import { InvalidOption } from '../../errors.js'
import { Turns } from '../../async/queue.js'
import { hasMethods } from '../internal/options.js'
import { assertText, fitsUtf8, wholeMilliseconds } from '../internal/values.js'

type Callback<T> = (error?: unknown, value?: T) => void

/** The part that is used of a store written for express-session (connect-redis, connect-pg-simple, connect-mongo, …). */
export interface ConnectStore {
  get (id: string, callback: Callback<unknown>): unknown
  set (id: string, session: never, callback: Callback<unknown>): unknown
  destroy (id: string, callback: Callback<unknown>): unknown
}

/** The shape these stores know. Each reads the deadline where it likes: `expires`, `maxAge` or `originalMaxAge`. */
interface Kept {
  readonly cookie: { readonly expires: Date, readonly maxAge: number, readonly originalMaxAge: number, readonly httpOnly: true, readonly path: '/' }
  readonly payload: string
  readonly expiresAt: number
}

/**
 * A call that nobody answers must not hold up its session for ever. In milliseconds, the wait for its turn included. Otherwise
 * more and more calls would wait behind a store that hangs.
 */
const PATIENCE = 10_000

/**
 * Keeps sessions in a store written for express-session. Its only write is a blind one. So across processes one of two parallel
 * saves can be lost, and a late one can bring a session back: `atomic: false` says so. Within one process writes to one id
 * wait for each other, and nothing is lost. It cannot find by subject, and does not sweep. A call without an answer within ten
 * seconds fails, the wait for others included. Throws `FST_TYPED_SESSION_INVALID_OPTION` for anything but such a store.
 */
export function connectStore (store: ConnectStore): AsyncStore {
  if (!hasMethods(store, 'get', 'set', 'destroy')) {
    throw new InvalidOption('connectStore(store)', 'needs a store with the methods get, set and destroy')
  }
  return new ConnectAdapter(store)
}

class ConnectAdapter implements AsyncStore {
  readonly name = 'connectStore'
  readonly atomic = false
  readonly #store: ConnectStore
  readonly #turns = new Turns()

  constructor (store: ConnectStore) {
    this.#store = store
  }

  create (id: string, payload: string, expiresAt: number): Promise<boolean> {
    return this.#inTurn(id, async (late) => {
      if (await this.#read(id, late) !== null) return false
      await this.#write(id, payload, expiresAt, late)
      return true
    })
  }

  load (id: string): Promise<string | null> {
    return inTime((late) => this.#read(id, late))
  }

  replace (id: string, expected: string, payload: string, expiresAt: number): Promise<ReplaceOutcome> {
    return this.#inTurn(id, async (late) => {
      const current = await this.#read(id, late)
      if (current !== expected) return current === null ? 'missing' : 'conflict'
      await this.#write(id, payload, expiresAt, late)
      return 'replaced'
    })
  }

  touch (id: string, expiresAt: number): Promise<boolean> {
    return this.#inTurn(id, async (late) => {
      const current = await this.#read(id, late)
      if (current === null) return false
      await this.#write(id, current, expiresAt, late)
      return true
    })
  }

  delete (id: string): Promise<void> {
    return this.#inTurn(id, async (late) => {
      assertText(fitsUtf8, { id })
      await this.#remove(id, late)
    })
  }

  async #read (id: string, late: AbortSignal): Promise<string | null> {
    assertText(fitsUtf8, { id })
    const found = await call<unknown>((done) => this.#store.get(id, done), late).catch(noEntry)
    if (!isKept(found) || found.expiresAt <= Date.now()) return null
    return found.payload
  }

  async #write (id: string, payload: string, expiresAt: number, late: AbortSignal): Promise<void> {
    const left = wholeMilliseconds(expiresAt) - Date.now()
    // Each of these stores does something else with a deadline that has passed.
    if (left <= 0) return this.#remove(id, late)
    const cookie = { expires: new Date(expiresAt), maxAge: left, originalMaxAge: left, httpOnly: true, path: '/' } as const
    const session: Kept = { cookie, payload, expiresAt }
    await call((done) => this.#store.set(id, session as never, done), late)
  }

  async #remove (id: string, late: AbortSignal): Promise<void> {
    await call((done) => this.#store.destroy(id, done), late).catch(noEntry)
  }

  #inTurn<T> (id: string, turn: (late: AbortSignal) => Promise<T>): Promise<T> {
    return inTime((late) => this.#turns.run(id, () => turn(late)))
  }
}

async function inTime<T> (task: (late: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const late = () => controller.abort(new Error(`the express-session store gave no answer within ${PATIENCE} ms`))
  const timer = setTimeout(late, PATIENCE)
  return await task(controller.signal).finally(() => clearTimeout(timer))
}

/**
 * A promise takes the first answer only, and what waits for it runs on a stack of its own: these stores need both. Some
 * reject as well, or instead.
 */
function call<T> (start: (done: Callback<T>) => unknown, late: AbortSignal): Promise<T | undefined> {
  return new Promise<T | undefined>((resolve, reject) => {
    // Nobody waits for it any more.
    late.throwIfAborted()
    late.addEventListener('abort', () => reject(late.reason))
    const fail = (error: unknown) => reject(error instanceof Error ? error : new Error('the express-session store failed', { cause: error }))
    const done: Callback<T> = (error, value) => {
      if (error) return fail(error)
      resolve(value)
    }
    // An `async` function, because it turns what is thrown into a rejection.
    const started = async () => await start(done)
    started().catch(fail)
  })
}

/** That is how stores of files say that there is none. */
function noEntry (error: Error): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

function isKept (found: unknown): found is Kept {
  return typeof found === 'object' && found !== null && 'payload' in found && typeof found.payload === 'string' &&
    'expiresAt' in found && typeof found.expiresAt === 'number'
}
