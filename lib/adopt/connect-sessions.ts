import type { Adopter } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { type AdoptOptions, checkMap, type ConnectReader, type OldSession } from './options.js'

interface Connect<Stored> extends AdoptOptions<Stored> { readonly store: ConnectReader }

/** Sessions in a store written for express-session. `idOf`: the id in the cookie's value; `null` if it is not authentic. */
export function fromConnect<Stored> (adopter: string, { cookie, until, ending, map, store }: Connect<Stored>, idOf: (value: string) => string | null): Adopter<Stored> {
  checkMap(adopter, map)
  if (typeof store?.get !== 'function' || typeof store.destroy !== 'function') {
    throw new InvalidOption(`${adopter}.store`, 'must be the store of the old system, which has get(id, callback) and destroy(id, callback)')
  }
  return {
    cookie,
    until,
    ending,
    async read (value) {
      const id = idOf(value)
      const session = id === null ? null : await ask((done) => store.get(id, done))
      if (!isLive(session)) return null
      const data = map({ ...session })
      return data === null ? null : { data }
    },
    async forget (value) {
      const id = idOf(value)
      if (id !== null) await ask((done) => store.destroy(id, done))
    }
  }
}

/** Stores are expected to leave out what has expired, and some do not. */
function isLive (session: unknown): session is OldSession {
  if (typeof session !== 'object' || session === null) return false
  const { originalExpires, expires } = Object((session as OldSession).cookie) as { originalExpires?: string, expires?: string }
  const end = originalExpires ?? expires
  return !end || !(new Date(end).getTime() <= Date.now())
}

/** Some stores answer by the callback, some reject as well, or instead. That of files says `ENOENT` for none, and so does a database whose socket is gone. */
function ask (call: (done: (error?: unknown, value?: unknown) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const { code, syscall } = Object(error) as NodeJS.ErrnoException
      if (code === 'ENOENT' && syscall !== 'connect') resolve(null)
      else reject(error instanceof Error ? error : new Error('the store of the old system failed', { cause: error }))
    }
    // An `async` function, because it turns what is thrown into a rejection.
    const started = async () => await call((error, value) => error ? fail(error) : resolve(value))
    started().catch(fail)
  })
}
