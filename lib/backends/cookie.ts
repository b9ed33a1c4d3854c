import type { Keyring } from '../tokens/keyring.js'
import { random } from '../tokens/random.js'
import { readSealed, writeSealed } from '../record/sealed-form.js'
import type { Timeouts } from '../record/timeouts.js'
import { judge } from './judge.js'
import { refused } from './refused.js'
import { Remembered } from './remembered.js'
import { assertCookieSize, MAX_COOKIE } from './sizes.js'
import type { Backend } from './backend.js'
import { type Adoptable, type Draft, ENDED, type Id, isKept, type Loaded, type NotFound, type Place, type Reloaded, type Saved } from './place.js'

/** Bytes of an id. */
export const ID_BYTES = 16
const MALFORMED = { state: 'none', reason: 'malformed' } as const
const UNKNOWN = { state: 'none', reason: 'unknown' } as const

export interface CookieBackendOptions {
  readonly cookie: string
  readonly timeouts: Timeouts
  /** How many opened tokens are remembered. */
  readonly cache: number
}

/** The cookie is the session: each token is a sealed record. */
export class CookieBackend implements Backend {
  readonly selfContained = true
  readonly records = null
  readonly immediate = true
  readonly bindings = null
  readonly #keyring: Keyring
  readonly #cookie: string
  readonly #timeouts: Timeouts
  readonly #opened: Remembered<Place>
  readonly #key: (raw: Buffer) => string

  /** `key`: what an id is called outside the token. */
  constructor (keyring: Keyring, options: CookieBackendOptions, key = (raw: Buffer) => raw.toString('base64url')) {
    this.#keyring = keyring
    this.#cookie = options.cookie
    this.#timeouts = options.timeouts
    this.#opened = new Remembered(options.cache)
    this.#key = key
  }

  newId (): Id {
    const raw = random(ID_BYTES)
    return { raw, key: this.#key(raw) }
  }

  load (token: string, now: number): Loaded {
    const found = this.find(token)
    return 'state' in found ? found : judge(found, this.#timeouts, now)
  }

  /** Nothing tells that somebody has adopted it before. */
  adopt (_ids: readonly Buffer[], found: Adoptable | null, now: number): Loaded {
    return found === null ? UNKNOWN : judge(this.unkept(this.newId(), found), this.#timeouts, now)
  }

  unkept (id: Id, { record }: Adoptable): Place {
    return { ...toPlace(id, record, true), payload: null }
  }

  /** The session in a token, even if its time is over. */
  find (token: string): Place | NotFound {
    if (token.length > MAX_COOKIE) return MALFORMED
    return this.#opened.get(token) ?? this.#open(token) ?? refused(this.#keyring, token)
  }

  reload (place: Place, now: number): Reloaded {
    const judged = judge(place, this.#timeouts, now)
    return judged.state === 'found' ? judged.place : ENDED
  }

  create ({ raw, key }: Id, draft: Draft): Saved {
    const token = this.#keyring.write(writeSealed(raw, draft.times, draft.stored))
    assertCookieSize(this.#cookie, token, draft.stored.data)
    const { times, stored } = draft
    const place = toPlace({ raw, key }, { kind: 'session', times, found: stored, card: null, device: null }, false)
    this.#opened.offer(token, place)
    return { place, token, created: true }
  }

  replace (place: Place, draft: Draft): Saved {
    return { ...this.create(place as Id, draft), created: !isKept(place) }
  }

  touch (place: Place, draft: Draft): Saved {
    return this.create(place as Id, draft)
  }

  supersede (): 'done' {
    return 'done'
  }

  end (): boolean {
    return true
  }

  discard (): void {}

  #open (token: string): Place | null {
    const opened = this.#keyring.read(token)
    const sealed = opened === null ? null : readSealed(opened.body)
    if (opened === null || sealed === null) return null
    const place = toPlace({ raw: sealed.sid, key: this.#key(sealed.sid) }, sealed.record, opened.stale)
    this.#opened.offer(token, place)
    return place
  }
}

function toPlace ({ raw, key }: Id, record: Place['record'], stale: boolean): Place {
  return { raw, key, record, payload: '', usedAt: record.times.usedAt, stale }
}
