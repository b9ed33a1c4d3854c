import { checkSize, MAX_COOKIE } from '../http/cookie.js'
import type { Keyring, TokenFormat } from '../tokens/keyring.js'
import { random } from '../tokens/random.js'
import { readSealed, writeSealed } from '../record/sealed-form.js'
import { isLive, type Timeouts } from '../record/timeouts.js'
import { Remembered } from './remembered.js'
import type { Backend } from './backend.js'
import type { Draft, Id, Loaded, Place, Saved } from './place.js'

const FORGED = { state: 'none', reason: 'forged' } as const
const EXPIRED = { state: 'none', reason: 'expired' } as const
const MALFORMED = { state: 'none', reason: 'malformed' } as const

export interface CookieBackendOptions {
  readonly cookie: string
  readonly readable: boolean
  readonly timeouts: Timeouts
  /** How many opened tokens are remembered. */
  readonly cache: number
}

/** The cookie is the session: each token is a sealed record. */
export class CookieBackend implements Backend {
  readonly selfContained = true
  readonly records = null
  readonly immediate = true
  readonly #format: TokenFormat
  readonly #cookie: string
  readonly #timeouts: Timeouts
  readonly #opened: Remembered<Place>
  readonly #key: (raw: Buffer) => string

  /** `key`: what an id is called outside the token. */
  constructor (keyring: Keyring, options: CookieBackendOptions, key = (raw: Buffer) => raw.toString('base64url')) {
    this.#format = options.readable ? keyring.readable : keyring.sealed
    this.#cookie = options.cookie
    this.#timeouts = options.timeouts
    this.#opened = new Remembered(options.cache)
    this.#key = key
  }

  newId (): Id {
    const raw = random(16)
    return { raw, key: this.#key(raw) }
  }

  load (token: string, now: number): Loaded {
    if (token.length > MAX_COOKIE) return MALFORMED
    const place = this.#opened.get(token) ?? this.#open(token)
    if (place === null) return FORGED
    if (!isLive(place.record.times, place.usedAt, this.#timeouts, now)) return EXPIRED
    return { state: 'found', place }
  }

  reload (place: Place): Place {
    return place
  }

  confirm (place: Place, now: number): Place | null {
    return isLive(place.record.times, place.usedAt, this.#timeouts, now) ? place : null
  }

  create ({ raw, key }: Id, draft: Draft): Saved {
    const token = this.#format.write(writeSealed(raw, draft.times, draft.stored))
    checkSize(this.#cookie, token, draft.stored.data)
    const { times, stored } = draft
    const place = toPlace({ raw, key }, { kind: 'session', times, found: stored, card: null }, false)
    this.#opened.offer(token, place)
    return { place, token }
  }

  replace (place: Place, draft: Draft): Saved {
    return this.create(place as Id, draft)
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
    const opened = this.#format.read(token)
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
