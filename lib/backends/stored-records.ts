import type { ReplaceOutcome } from '../../types/index.js'
import { after, afterBoth, type Answer } from '../async/answer.js'
import { type Step, storeFailure } from '../async/timeout.js'
import { END_MARK, type EndMark, readPayload, type Tombstone, writeTombstone } from '../record/payload.js'
import type { SessionRecord } from '../record/record.js'
import type { Timeouts } from '../record/timeouts.js'
import { recordKey } from '../tokens/record-key.js'
import { judge } from './judge.js'
import { Remembered } from './remembered.js'
import { assertRecordSize, isTooLarge } from './sizes.js'
import { NONE, type NotBefore } from './not-before.js'
import { type Draft, ENDED, isKept, type NotFound, type Origin, type Overtaken, type Place, type Reloaded } from './place.js'
import type { StoreCalls } from './store-calls.js'

/** Each hop is a rotation within the life of a tombstone: a bound for a store that lies. */
const MAX_HOPS = 100
const MAX_RACES = 20
/** For a request that is under way when its session moves: long enough to find out where to. */
const TOMBSTONE_LIFE = 10_000
/** A session is judged when it is loaded: its record outlives it by this much, for a request that began in time. */
const KEPT_LONGER = 600_000

export interface StoredRecordsOptions {
  readonly calls: StoreCalls
  /** Tells sessions apart that share a store. */
  readonly namespace: string
  readonly timeouts: Timeouts
  /** Milliseconds. */
  readonly grace: number
  /** The bytes that a session may have. */
  readonly maxSize: number
  /** How many records are remembered. */
  readonly cache: number
  /** `null`: not all sessions can be ended at once. */
  readonly notBefore: NotBefore | null
}

export interface Located { readonly key: string, readonly payload: string, readonly record: SessionRecord }

/** The records of one registered session in a store: sessions, the tombstones of rotations, end marks. By key; knows no token. */
export class StoredRecords {
  readonly notBefore: NotBefore | null
  /** `locate` answers at once, never by a promise. */
  readonly immediate: boolean
  readonly calls: StoreCalls
  readonly #options: StoredRecordsOptions
  readonly #keys: RegExp
  /** Milliseconds for which a tombstone says where the session went. */
  readonly #tombstoneLife: number
  /** The record last seen of each session. */
  readonly #seen: Remembered<{ readonly payload: string, readonly record: SessionRecord }>

  constructor (options: StoredRecordsOptions) {
    this.notBefore = options.notBefore
    this.immediate = options.calls.immediate && options.notBefore === null
    this.calls = options.calls
    this.#options = options
    this.#tombstoneLife = Math.max(options.grace, TOMBSTONE_LIFE)
    this.#keys = new RegExp(`^${options.namespace}:[0-9a-f]{64}$`)
    this.#seen = new Remembered(options.cache, ({ payload }) => payload.length)
  }

  /** The key of a record: of no use to somebody who reads the store. */
  key (raw: Buffer | string): string {
    return recordKey(this.#options.namespace, raw)
  }

  /** Keeps a new session. `false`: the key is taken. Throws `TooLarge`. */
  create (key: string, payload: string, draft: Draft, step?: Step): Answer<boolean> {
    assertRecordSize(payload, this.#options.maxSize, draft)
    return this.calls.create(key, payload, untilOf(draft), this.#subjectKey(draft.subject), step)
  }

  /** Keeps a new state of a session. Throws `TooLarge`. */
  replace (key: string, expected: string | null, payload: string, draft: Draft, step?: Step): Answer<ReplaceOutcome> {
    assertRecordSize(payload, this.#options.maxSize, draft)
    return this.calls.replace(key, expected, payload, untilOf(draft), this.#subjectKey(draft.subject), step)
  }

  /** The live session under `key`, or where a periodic rotation has carried it a moment ago. */
  locate (key: string, now: number, step?: Step): Answer<Located | NotFound> {
    const { notBefore } = this
    if (notBefore === null) return this.#follow(key, now, step)
    // Asked together: on most stores that is one round trip.
    return afterBoth(() => this.#follow(key, now, step), () => notBefore.current(now), (located, until) =>
      'record' in located && located.record.times.createdAt <= until ? { state: 'none', reason: 'revoked' } : located)
  }

  #follow (key: string, now: number, step?: Step, hops = 0): Answer<Located | NotFound> {
    return after(this.calls.load(key, step), (payload) => {
      if (payload === null) return { state: 'none', reason: 'unknown' }
      if (typeof payload === 'string' && isTooLarge(payload, this.#options.maxSize)) return { state: 'none', reason: 'too-large' }
      const record = this.#parse(key, payload)
      if (record === null) return { state: 'none', reason: 'corrupt' }
      if (record.kind === 'ended') return { state: 'none', reason: 'unknown' }
      if (record.kind === 'session') return { key, payload, record }
      // It stays for longer where an old cookie leads to it, as a mark.
      if (now >= record.at + this.#tombstoneLife) return { state: 'none', reason: 'unknown' }
      if (record.final || now >= record.at + this.#options.grace || hops === MAX_HOPS - 1) return { state: 'moved' }
      return this.#follow(record.to, now, step, hops + 1)
    })
  }

  /** Where the session of `place` is now. For a request that was under way, however it moved. */
  async latest (place: Place | Origin, step: Step = { until: 0 }): Promise<Overtaken | typeof ENDED> {
    let moved = 'no' as Overtaken['moved']
    let { key } = place
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const payload = await this.calls.load(key, step)
      // Nobody has kept it yet.
      if (payload === null && key === place.key && 'payload' in place && !isKept(place)) return { latest: place, moved }
      const record = payload === null ? null : this.#parse(key, payload)
      if (payload === null || record === null || record.kind === 'ended') return ENDED
      if (record.kind === 'session') {
        const raw = moved === 'no' ? place.raw : null
        return { latest: { raw, key, record, payload, usedAt: Math.max(place.usedAt, record.times.usedAt), stale: place.stale }, moved }
      }
      moved = record.final || moved === 'final' ? 'final' : 'periodic'
      key = record.to
    }
    return ENDED
  }

  /** As {@link Backend.reload}. */
  async reload (place: Place, now: number, step?: Step): Promise<Reloaded> {
    return await afterBoth(() => this.latest(place, step), () => this.notBefore?.current(now) ?? NONE, (found, notBefore) => {
      if (found === ENDED || found.latest.record.times.createdAt <= notBefore) return ENDED
      if (found.moved === 'final') return 'moved'
      const judged = judge(found.latest, this.#options.timeouts, now)
      return judged.state === 'found' ? judged.place : ENDED
    })
  }

  /** Leaves a tombstone in place of the record. */
  leaveTombstone (place: Place, successor: Place, final: boolean, now: number, step?: Step): Answer<ReplaceOutcome> {
    const until = Math.max(now + this.#tombstoneLife, place.record.times.adoptedUntil)
    return this.calls.replace(place.key, place.payload, writeTombstone(successor.key, now, final), until, undefined, step)
  }

  /**
   * Ends the session, wherever a parallel rotation has carried it. `false`: somebody else had done so. Compared and set, so
   * that a rotation that is under way finds nothing to leave a tombstone in. A store without room for more can still do it.
   */
  async end (place: Place, step: Step = { until: 0 }): Promise<boolean> {
    let current = place
    for (let race = 0; race < MAX_RACES; race++) {
      // 0 has passed on every clock: the record is gone. Where an old cookie leads to it, it stays.
      const outcome = await this.calls.replace(current.key, current.payload, END_MARK, current.record.times.adoptedUntil, undefined, step)
      if (outcome !== 'conflict') return outcome === 'replaced'
      const latest = await this.latest(current, step)
      if (latest === ENDED) return false
      current = latest.latest
    }
    throw storeFailure(new Error(`a session was changed ${MAX_RACES} times while it was to end`))
  }

  /** The live sessions of a subject. One that is just rotating counts once. Without a step each record has the time of a call. */
  async find (subject: string, now: number, step?: Step): Promise<Place[]> {
    const places: Place[] = []
    const notBefore = await this.notBefore?.current(now) ?? NONE
    for await (const { id, payload } of this.calls.findBySubject(this.#subjectKey(subject) as string, step)) {
      const record = this.#keys.test(id) ? this.#parse(id, payload) : null
      if (record?.kind !== 'session' || record.times.createdAt <= notBefore) continue
      const judged = judge({ raw: null, key: id, record, payload, usedAt: record.times.usedAt, stale: false }, this.#options.timeouts, now)
      if (judged.state === 'found') places.push(judged.place)
    }
    // Until the record of the old id has become a tombstone it is the session, and its successor may yet be taken back.
    const keys = new Set<string | null>(places.map(({ key }) => key))
    return places.filter(({ record }) => !keys.has(record.card?.from ?? null))
  }

  /** A record has been kept: the next load finds it parsed. */
  remember (key: string, payload: string, record: SessionRecord, isNew: boolean): void {
    // One that was read before is not seen a second time by being saved.
    if (isNew) this.#seen.offer(key, { payload, record })
    else this.#seen.renew(key, { payload, record })
  }

  #parse (key: string, payload: string): SessionRecord | Tombstone | EndMark | null {
    const known = this.#seen.get(key)
    if (known !== undefined && known.payload === payload) return known.record
    const record = readPayload(payload)
    // The store is asked for ids of this session only, whatever a record says.
    if (record?.kind === 'moved' && !this.#keys.test(record.to)) return null
    if (record?.kind === 'session') this.#seen.offer(key, { payload, record })
    return record
  }

  // Hashed, as an id is: sessions of several kinds can share a store, and an e-mail address is nobody's business there.
  #subjectKey (subject: string | undefined): string | undefined {
    return subject === undefined ? undefined : this.key(`subject:${this.#options.namespace}:${subject}`)
  }
}

/** Until when a record is kept. One that an old cookie leads to is not to be adopted again when it has expired. */
const untilOf = ({ expiresAt, times }: Draft) => Math.max(expiresAt + KEPT_LONGER, times.adoptedUntil)
