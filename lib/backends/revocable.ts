import { LRUCache } from 'lru-cache'
import type { ReplaceOutcome } from '../../types/index.js'
import type { Step } from '../async/timeout.js'
import { Conflict, Moved } from '../errors.js'
import { writePayload } from '../record/payload.js'
import type { Device } from '../record/device.js'
import type { Timeouts } from '../record/timeouts.js'
import type { Backend, Bindings } from './backend.js'
import { claim } from './claim.js'
import { type CookieBackend, ID_BYTES } from './cookie.js'
import type { NotBefore } from './not-before.js'
import { judge } from './judge.js'
import { type Adoptable, type Draft, ENDED, type Id, isKept, type Loaded, merge, type Origin, type Overtaken, type Place, type Reloaded, type Saved } from './place.js'
import type { Located, StoredRecords } from './stored-records.js'

/** Every lost race means that another request was saved. */
const MAX_RACES = 100
/** Milliseconds within which a request may have been under way when another one adopted its session. */
const UNDER_WAY = 10_000
/** The data are in the cookie. */
const NO_DATA = { data: {}, extra: null }

export interface RevocableBackendOptions {
  readonly records: StoredRecords
  readonly timeouts: Timeouts
  /** Milliseconds for which a session counts as live without asking again. */
  readonly staleness: number
  /** How many sessions are remembered for as long. */
  readonly cache: number
}

/** The cookie is the session, but lives only as long as a small record in a store: times, and whose it is. */
export class RevocableBackend implements Backend, Bindings {
  readonly selfContained = true
  readonly immediate = false
  readonly bindings: Bindings = this
  readonly records: StoredRecords
  readonly #cookies: CookieBackend
  readonly #timeouts: Timeouts
  readonly #staleness: number
  readonly #alive: LRUCache<string, { readonly at: number, readonly located: Located }>
  /** Counts the sessions taken out of it. */
  #forgotten = 0

  constructor (cookies: CookieBackend, { records, timeouts, staleness, cache }: RevocableBackendOptions) {
    this.records = records
    this.#cookies = cookies
    this.#timeouts = timeouts
    this.#staleness = staleness
    this.#alive = new LRUCache({ max: cache })
  }

  newId (): Id {
    return this.#cookies.newId()
  }

  load (token: string, now: number, step?: Step): Loaded | Promise<Loaded> {
    const found = this.#cookies.find(token)
    return 'state' in found ? found : this.#confirm(found, now, step)
  }

  async adopt (ids: readonly Buffer[], found: Adoptable | null, now: number, step?: Step): Promise<Loaded> {
    const claimed = await claim(this.records, ids.map((id) => id.subarray(0, ID_BYTES)), found, now, step)
    if ('state' in claimed) return claimed
    const { id, located } = claimed
    if (found !== null) {
      const place = this.#cookies.unkept(id, found)
      return judge(located === null ? place : merge({ ...place, usedAt: 0 }, located), this.#timeouts, now)
    }
    // Only the browser has the data. A request that has just been overtaken may open no other session over that one.
    if (located !== null && now - located.record.times.usedAt < UNDER_WAY) return { state: 'moved' }
    return { state: 'none', reason: 'unknown' }
  }

  async reload (place: Place, now: number, step?: Step): Promise<Reloaded> {
    const latest = await this.records.reload(place, now, step)
    return typeof latest === 'string' ? latest : merge(place, latest)
  }

  async create (id: Id, draft: Draft, step?: Step): Promise<Saved | null> {
    // First, because it throws if the cookie would be too large.
    const kept = this.#cookies.create(id, draft)
    const payload = payloadOf(draft, draft.device)
    if (!await this.records.create(kept.place.key, payload, draft, step)) return null
    return this.#keep(kept, payload, draft)
  }

  /** The last save wins, as in every cookie session; but not over a session that has ended or has another id. */
  async replace (place: Place, draft: Draft, _reissue: boolean, step?: Step): Promise<Saved | typeof ENDED> {
    const kept = await this.#renew(place, draft, step)
    if (kept === 'moved') throw new Moved()
    return kept
  }

  async touch (place: Place, draft: Draft, step?: Step): Promise<Saved | typeof ENDED> {
    const kept = await this.#renew(place, draft, step)
    return kept === 'moved' ? ENDED : kept
  }

  async supersede (place: Place, successor: Place, final: boolean, now: number, step: Step = { until: 0 }): Promise<'done' | Overtaken | typeof ENDED> {
    try {
      const outcome = await this.#race(place, step, async (current) => isBoundAlike(current, place)
        ? await this.records.leaveTombstone(current, successor, final, now, step)
        // The successor does not have that binding: the old id stays.
        : 'replaced')
      if (outcome === 'moved') throw new Moved()
      if (outcome === ENDED) return ENDED
      return isBoundAlike(outcome, place) ? 'done' : { latest: merge(place, outcome), moved: 'no' }
    } finally {
      this.#forget(place)
    }
  }

  async end (place: Place, step?: Step): Promise<boolean> {
    try {
      return await this.records.end(place, step)
    } finally {
      // Not before: another request may have looked at it meanwhile.
      this.#forget(place)
    }
  }

  async discard (place: Pick<Place, 'key'>): Promise<void> {
    this.#forget(place)
    await this.records.calls.delete(place.key)
  }

  locate (token: string): Origin | null {
    const found = this.#cookies.find(token)
    return 'state' in found ? null : found
  }

  async rebind (place: Place, draft: Draft, step?: Step): Promise<ReplaceOutcome> {
    try {
      return await this.records.replace(place.key, place.payload, payloadOf(draft, draft.device), draft, step)
    } finally {
      this.#forget(place)
    }
  }

  #confirm (place: Place, now: number, step?: Step): Loaded | Promise<Loaded> {
    const known = this.#alive.get(place.key)
    if (known === undefined || Math.abs(now - known.at) >= this.#staleness) return this.#find(place, now, step)
    const notBefore = (this.records.notBefore as NotBefore).current(now)
    if (notBefore instanceof Promise) return this.#find(place, now, step)
    if (place.record.times.createdAt <= notBefore) return { state: 'none', reason: 'revoked' }
    return judge(merge(place, known.located), this.#timeouts, now)
  }

  async #find (place: Place, now: number, step?: Step): Promise<Loaded> {
    const forgotten = this.#forgotten
    const located = await this.records.locate(place.key, now, step)
    if ('state' in located) {
      this.#forget(place)
      return located
    }
    // A session that ended while the store was asked may be this one.
    if (this.#staleness > 0 && located.key === place.key && forgotten === this.#forgotten) this.#alive.set(place.key, { at: now, located })
    return judge(merge(place, located), this.#timeouts, now)
  }

  #forget ({ key }: Pick<Place, 'key'>): void {
    this.#forgotten++
    this.#alive.delete(key)
  }

  async #renew (place: Place, draft: Draft, step: Step = { until: 0 }): Promise<Saved | typeof ENDED | 'moved'> {
    if (place.raw === null) return 'moved'
    const kept = this.#cookies.replace(place, draft)
    // Another request may have bound it meanwhile, which changes no data.
    const outcome = await this.#race(place, step, async ({ payload, record: { device } }) =>
      await this.records.replace(place.key, payload, payloadOf(draft, device), draft, step))
    if (typeof outcome === 'string') return outcome
    const { device } = outcome.record
    return this.#keep({ ...kept, created: !isKept(outcome) }, payloadOf(draft, device), { ...draft, device })
  }

  /** Until no other request was faster; the record that gave way. Their data are in their cookies, so there is nothing to merge. */
  async #race (place: Place, step: Step, attempt: (current: Place) => Promise<ReplaceOutcome>): Promise<Place | typeof ENDED | 'moved'> {
    let current = place
    for (let race = 0; race < MAX_RACES; race++) {
      const outcome = await attempt(current)
      if (outcome === 'replaced') return current
      const now: Overtaken | typeof ENDED = outcome === 'missing' ? ENDED : await this.records.latest(current, step)
      if (now === ENDED) return ENDED
      if (now.moved !== 'no') return 'moved'
      current = now.latest
    }
    throw new Conflict()
  }

  #keep ({ place, ...saved }: Saved, payload: string, { card, device }: Pick<Draft, 'card' | 'device'>): Saved {
    this.#alive.delete(place.key)
    return { place: { ...place, record: { ...place.record, card, device }, payload }, ...saved }
  }
}

const payloadOf = ({ times, card }: Draft, device: Device | null): string => writePayload(times, NO_DATA, card, device)

const isBoundAlike = (one: Place, other: Place): boolean => JSON.stringify(one.record.device) === JSON.stringify(other.record.device)
