import type { BoundDevice, ReservedKey } from '../../types/index.js'
import { InvalidOption, ReservedKey as ReservedKeyError } from '../errors.js'
import type { Data } from './merge.js'

/** The part behind the session object: the request that it belongs to. */
export interface SessionOwner {
  handle (): string
  isNew (): boolean
  createdAt (): number
  expiresAt (): number
  authenticatedAt (): number
  device (): BoundDevice | null
  copy (data: Data): Data
  initial (): Data
  /** Is it one that plugins write outside the schema? */
  isUndeclared (key: string): boolean
  /** The data were changed by a member. */
  changed (): void
  /** A call of the handler's has failed, and perhaps nobody waits for it. */
  note (error: unknown): void
  rotate (): void
  regenerate (keep: readonly string[]): void
  reauthenticated (): void
  touch (): void
  destroy (): void | Promise<void>
  persist (on: boolean): void
  save (): Promise<void>
  reload (): Promise<void>
  update (change: (data: Data) => Data | void | Promise<Data | void>): Promise<void>
}

/** The object `request.session`. The data are its own properties; everything else lies on the prototype. No I/O here. */
export class Session {
  readonly #owner: SessionOwner

  constructor (owner: SessionOwner, data: Data) {
    this.#owner = owner
    assign(this, data)
  }

  /** Not for handlers, so not a member. */
  static ownerOf (session: Session): SessionOwner { return session.#owner }

  get id (): string { return this.#owner.handle() }
  get isNew (): boolean { return this.#owner.isNew() }
  get createdAt (): Date { return new Date(this.#owner.createdAt()) }
  get expiresAt (): Date { return new Date(this.#owner.expiresAt()) }
  get device (): BoundDevice | null { return this.#owner.device() }
  get authenticatedAt (): Date | null {
    const at = this.#owner.authenticatedAt()
    return at === 0 ? null : new Date(at)
  }

  get (key: string): unknown {
    assertKey(key)
    return Object.hasOwn(this, key) ? own(this)[key] : undefined
  }

  set (key: string, value: unknown): void {
    assertKey(key)
    if (RESERVED_KEYS.has(key) || key === '__proto__' || key === 'prototype') throw new ReservedKeyError(key)
    if (value === undefined) delete own(this)[key]
    else own(this)[key] = value
    this.#owner.changed()
  }

  has (key: string): boolean {
    return this.get(key) !== undefined
  }

  delete (key: string): boolean {
    assertKey(key)
    this.#owner.changed()
    return Object.hasOwn(this, key) && delete own(this)[key]
  }

  take (key: string): unknown {
    const value = this.get(key)
    this.delete(key)
    return value
  }

  data (): Data {
    return this.#owner.copy({ ...own(this) })
  }

  clear (): void {
    assign(this, this.#owner.initial())
    this.#owner.changed()
  }

  replace (next: Data): never {
    assertData('replace(data)', next)
    if (Object.hasOwn(next, 'constructor')) throw new ReservedKeyError('constructor')
    assign(this, withUndeclared(own(this), next, (key) => this.#owner.isUndeclared(key)))
    this.#owner.changed()
    return this as never
  }

  update (change: (data: Data) => Data | void | Promise<Data | void>): Promise<void> {
    return noticed(this.#owner, () => this.#owner.update(change))
  }

  rotate (...args: unknown[]): Promise<void> {
    assertNothing('rotate()', args)
    return noticed(this.#owner, () => this.#owner.rotate())
  }

  reauthenticated (...args: unknown[]): Promise<void> {
    assertNothing('reauthenticated()', args)
    return noticed(this.#owner, () => this.#owner.reauthenticated())
  }

  regenerate (keep: readonly string[] = [], ...args: unknown[]): Promise<void> {
    if (!Array.isArray(keep) || args.length > 0) throw new InvalidOption('regenerate(keep)', 'must be a list of keys. It takes no callback, it returns a promise')
    return noticed(this.#owner, () => {
      this.#owner.regenerate(keep)
      const names = new Set(keep)
      const kept = Object.entries(own(this)).filter(([key]) => names.has(key))
      assign(this, { ...this.#owner.initial(), ...Object.fromEntries(kept) })
    })
  }

  destroy (...args: unknown[]): Promise<void> {
    assertNothing('destroy()', args)
    return noticed(this.#owner, () => this.#owner.destroy())
  }

  touch (): void {
    this.#owner.touch()
  }

  save (...args: unknown[]): Promise<void> {
    assertNothing('save()', args)
    return noticed(this.#owner, () => this.#owner.save())
  }

  reload (...args: unknown[]): Promise<void> {
    assertNothing('reload()', args)
    return noticed(this.#owner, () => this.#owner.reload())
  }

  persist (on = true): void {
    this.#owner.persist(on)
  }
}

// Otherwise a habit from elsewhere, `delete()` for the whole session or a callback, would do nothing and not say so.
function assertKey (key: unknown): void {
  if (typeof key !== 'string') throw new InvalidOption('key', 'must be the name of a key of the session. To end the session, call destroy(); to set it as a whole, replace(data)')
}

function assertNothing (what: string, args: readonly unknown[]): void {
  if (args.length > 0) throw new InvalidOption(what, 'takes no argument, and no callback: it returns a promise')
}

/** Throws `InvalidOption` for what cannot be a session's whole data. */
export function assertData (what: string, data: unknown, must = 'must be an object with the whole data'): asserts data is Data {
  if (typeof data !== 'object' || data === null || Symbol.iterator in data) throw new InvalidOption(what, must)
}

/** Nobody has to wait for these: what goes wrong is in the log then, and does not end the process as an unhandled rejection. */
function noticed (owner: SessionOwner, run: () => void | Promise<void>): Promise<void> {
  const running = (async () => await run())()
  running.catch((error: unknown) => owner.note(error))
  return running
}

/** The names a schema cannot use: those of the members above. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Session.prototype satisfies Record<ReservedKey, unknown>))

// Members are read only (the constructor too: it is frozen with the rest, and console.log wants it plain). A plain method could be hidden by an own property, and a fact without a setter would be written to in vain.
for (const name of RESERVED_KEYS) {
  if (name === 'constructor') continue
  const { get, value } = Object.getOwnPropertyDescriptor(Session.prototype, name) as PropertyDescriptor
  Object.defineProperty(Session.prototype, name, { get: get ?? (() => value), set () { throw new ReservedKeyError(name) } })
}

// Without a setter, `session['__proto__'] = {…}` would swap the prototype instead of being an unknown key. The getter must not hand
// out what all sessions share: a careless deep merge would write into it.
Object.defineProperty(Session.prototype, '__proto__', { get: () => undefined, set () { throw new ReservedKeyError('__proto__') } })
Object.freeze(Session.prototype)
Object.freeze(Session)

/** The session's own properties become those of `data`. */
export function assign (session: Session, data: Data): void {
  for (const key of Object.keys(session)) if (!Object.hasOwn(data, key)) delete own(session)[key]
  for (const key of Object.keys(data)) own(session)[key] = data[key]
}

/** `next` in place of `data`. Keys that plugins wrote beside the data stay: they are not the application's to leave out. */
export function withUndeclared (data: Data, next: Data, isUndeclared: (key: string) => boolean): Data {
  return { ...Object.fromEntries(Object.entries(data).filter(([key]) => isUndeclared(key))), ...next }
}

function own (session: Session): Data {
  return session as Session & Data
}
