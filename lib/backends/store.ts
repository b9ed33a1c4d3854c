import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ReplaceOutcome, SessionStore } from '../../types/index.js'
import { storeFailure, withDeadline } from '../deadline.js'
import { type Keyring, REFERENCE_BYTES, type TokenFormat } from '../keyring.js'
import { random } from '../random.js'
import { END_MARK, type EndMark, isLive, readPayload, type SessionRecord, type Timeouts, type Tombstone, writePayload, writeTombstone } from '../record.js'
import { type Backend, type Draft, ENDED, type Kept, type Loaded, type Overtaken, type Place } from './backend.js'

const ID_BYTES = 32
/** Each hop is a rotation within the life of a tombstone. The bound is for a store that lies. */
const MAX_HOPS = 100
const MAX_RACES = 20
/** Characters; a bigger record is read anew each time, so that what is remembered stays small. */
const MAX_REMEMBERED = 16_384
/** For a request that is under way when its session moves: long enough to find out where to. */
const TOMBSTONE_LIFE = 10_000

/** What a token says. */
interface Reference { readonly raw: Buffer, readonly key: string, readonly issuedAt: number, readonly stale: boolean }

export interface StoreBackendOptions {
  readonly store: SessionStore
  /** Tells sessions apart that share a store. */
  readonly namespace: string
  readonly timeouts: Timeouts
  /** Milliseconds. */
  readonly grace: number
  /** Milliseconds that one call may take. */
  readonly storeTimeout: number
  /** How many tokens and records are remembered. */
  readonly cache: number
}

/** The cookie carries an id; the session lies in a store, under a hash of it. */
export class StoreBackend implements Backend {
  readonly selfContained = false
  readonly #format: TokenFormat
  readonly #options: StoreBackendOptions
  readonly #store: SessionStore
  readonly #ids: RegExp
  readonly #tokens: LRUCache<string, Reference>
  /** The record last seen of each session. */
  readonly #records: LRUCache<string, { readonly payload: string, readonly record: SessionRecord }>

  constructor (keyring: Keyring, options: StoreBackendOptions) {
    this.#format = keyring.reference
    this.#options = options
    this.#store = options.store
    this.#ids = new RegExp(`^${options.namespace}:[0-9a-f]{64}$`)
    this.#tokens = new LRUCache({ max: options.cache })
    this.#records = new LRUCache({ max: options.cache })
  }

  newId (): { raw: Buffer, key: string } {
    const raw = random(ID_BYTES)
    return { raw, key: this.#key(raw) }
  }

  load (token: string, now: number): Loaded | Promise<Loaded> {
    if (token.length !== this.#format.size(REFERENCE_BYTES)) return { state: 'none', reason: 'malformed' }
    const reference = this.#tokens.get(token) ?? this.#read(token)
    if (reference === null) return { state: 'none', reason: 'forged' }
    return this.#find(reference, now)
  }

  async reload (place: Place): Promise<Place | null> {
    const now = await this.#latest(place)
    return now === ENDED || now.moved === 'final' ? null : now.latest
  }

  async create (raw: Buffer, draft: Draft): Promise<Kept | null> {
    const key = this.#key(raw)
    const payload = writePayload(draft.times, draft.stored)
    const created = await this.#call(() => this.#store.create(key, payload, draft.expiresAt, draft.subject))
    if (typeof created !== 'boolean') throw storeFailure(new Error('create answered neither true nor false'))
    if (!created) return null
    return { place: this.#keep({ raw, key, stale: false }, draft, payload), token: this.#token(raw, draft.times.savedAt) }
  }

  async replace (place: Place, draft: Draft, reissue: boolean): Promise<Kept | Overtaken | typeof ENDED> {
    const payload = writePayload(draft.times, draft.stored)
    const outcome = await this.#replace(place, payload, draft.expiresAt, draft.subject)
    if (outcome === 'missing') return ENDED
    if (outcome === 'conflict') return await this.#latest(place)
    return {
      place: this.#keep(place, draft, payload),
      token: reissue && place.raw !== null ? this.#token(place.raw, draft.times.savedAt) : null
    }
  }

  /** A compare-and-set with the same payload: a blind touch could bring an old id back to life in the browser. */
  async touch (place: Place, draft: Draft): Promise<Kept | typeof ENDED> {
    const outcome = await this.#replace(place, place.payload, draft.expiresAt, draft.subject)
    if (outcome === 'missing') return ENDED
    const now = draft.times.savedAt
    const token = outcome === 'replaced' && place.raw !== null ? this.#token(place.raw, now) : null
    return { place: { ...place, usedAt: now, stale: false }, token }
  }

  async supersede (place: Place, successor: Place, final: boolean, now: number): Promise<'done' | Overtaken | typeof ENDED> {
    const tombstone = writeTombstone(successor.key, now, final)
    const until = now + Math.max(this.#options.grace, TOMBSTONE_LIFE)
    const outcome = await this.#replace(place, tombstone, until)
    if (outcome === 'missing') return ENDED
    return outcome === 'conflict' ? await this.#latest(place) : 'done'
  }

  async end (place: Place, now: number): Promise<void> {
    let current = place
    for (let race = 0; race < MAX_RACES; race++) {
      const outcome = await this.#replace(current, END_MARK, now + TOMBSTONE_LIFE)
      if (outcome === 'missing') return
      if (outcome === 'replaced') break
      const latest = await this.#latest(current)
      if (latest === ENDED) return
      current = latest.latest
    }
    await this.discard(current)
  }

  async discard (place: Place): Promise<void> {
    await this.#call(() => this.#store.delete(place.key))
  }

  async #find (reference: Reference, now: number): Promise<Loaded> {
    let { key } = reference
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const payload = await this.#load(key)
      if (payload === null) return { state: 'none', reason: 'unknown' }
      const record = this.#parse(key, payload)
      if (record === null) return { state: 'none', reason: 'corrupt' }
      if (record.kind === 'ended') return { state: 'none', reason: 'unknown' }
      if (record.kind === 'session') return this.#found(reference, key, payload, record, now)
      if (record.final || now >= record.at + this.#options.grace) return { state: 'moved' }
      key = record.to
    }
    return { state: 'moved' }
  }

  #found (reference: Reference, key: string, payload: string, record: SessionRecord, now: number): Loaded {
    const usedAt = Math.max(reference.issuedAt, record.times.savedAt)
    if (!isLive(record.times, usedAt, this.#options.timeouts, now)) return { state: 'none', reason: 'expired' }
    const raw = key === reference.key ? reference.raw : null
    return { state: 'found', place: { raw, key, record, payload, usedAt, stale: reference.stale } }
  }

  /** Where the session under `key` is now. For a request that was under way, however it moved. */
  async #latest (place: Place): Promise<Overtaken | typeof ENDED> {
    let moved = 'no' as Overtaken['moved']
    let { key } = place
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const payload = await this.#load(key)
      const record = payload === null ? null : this.#parse(key, payload)
      if (payload === null || record === null || record.kind === 'ended') return ENDED
      if (record.kind === 'session') {
        const raw = moved === 'no' ? place.raw : null
        return { latest: { raw, key, record, payload, usedAt: Math.max(place.usedAt, record.times.savedAt), stale: place.stale }, moved }
      }
      moved = record.final || moved === 'final' ? 'final' : 'periodic'
      key = record.to
    }
    return ENDED
  }

  #keep (place: Pick<Place, 'raw' | 'key' | 'stale'>, draft: Draft, payload: string): Place {
    const record: SessionRecord = { kind: 'session', times: draft.times, found: draft.stored }
    this.#remember(place.key, payload, record)
    return { raw: place.raw, key: place.key, stale: place.stale, record, payload, usedAt: draft.times.savedAt }
  }

  #remember (key: string, payload: string, record: SessionRecord): void {
    if (payload.length <= MAX_REMEMBERED) this.#records.set(key, { payload, record })
  }

  #parse (key: string, payload: string): SessionRecord | Tombstone | EndMark | null {
    const known = this.#records.get(key)
    if (known?.payload === payload) return known.record
    const record = readPayload(payload)
    // The store is asked for ids of this session only, whatever a record says.
    if (record?.kind === 'moved' && !this.#ids.test(record.to)) return null
    if (record?.kind === 'session') this.#remember(key, payload, record)
    return record
  }

  async #replace (place: Place, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const outcome = await this.#call(() => this.#store.replace(place.key, place.payload, payload, expiresAt, subject))
    if (outcome === 'replaced' || outcome === 'conflict' || outcome === 'missing') return outcome
    throw storeFailure(new Error('replace answered none of: replaced, conflict, missing'))
  }

  #load (key: string): Promise<string | null> {
    return this.#call(() => this.#store.load(key))
  }

  #call<T> (call: () => Promise<T>): Promise<T> {
    return withDeadline(this.#options.storeTimeout, call)
  }

  #key (raw: Buffer): string {
    return `${this.#options.namespace}:${hash('sha256', raw, 'hex')}`
  }

  #token (raw: Buffer, issuedAt: number): string {
    const body = Buffer.allocUnsafe(REFERENCE_BYTES)
    raw.copy(body)
    body.writeUIntBE(issuedAt, ID_BYTES, 6)
    const token = this.#format.write(body)
    this.#tokens.set(token, { raw, key: this.#key(raw), issuedAt, stale: false })
    return token
  }

  #read (token: string): Reference | null {
    const opened = this.#format.read(token)
    if (opened === null) return null
    const raw = Buffer.from(opened.body.subarray(0, ID_BYTES))
    const reference = { raw, key: this.#key(raw), issuedAt: opened.body.readUIntBE(ID_BYTES, 6), stale: opened.stale }
    this.#tokens.set(token, reference)
    return reference
  }
}
