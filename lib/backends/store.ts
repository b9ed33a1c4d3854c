import type { ReplaceOutcome } from '../../types/index.js'
import { after, type Answer } from '../async/answer.js'
import type { Step } from '../async/timeout.js'
import type { Keyring } from '../tokens/keyring.js'
import { REFERENCE_BYTES } from '../tokens/kinds.js'
import { random } from '../tokens/random.js'
import { writePayload } from '../record/payload.js'
import type { SessionRecord } from '../record/record.js'
import type { Timeouts } from '../record/timeouts.js'
import { judge } from './judge.js'
import { refused } from './refused.js'
import { Remembered } from './remembered.js'
import type { Backend, Bindings } from './backend.js'
import { claim } from './claim.js'
import { type Adoptable, type Draft, ENDED, type Id, isKept, type Loaded, type Origin, type Overtaken, type Place, type Reloaded, type Saved } from './place.js'
import type { Located, StoredRecords } from './stored-records.js'

const ID_BYTES = 32

/** The contents of a token. */
interface Reference { readonly raw: Buffer, readonly key: string, readonly issuedAt: number, readonly stale: boolean }

export interface StoreBackendOptions {
  readonly records: StoredRecords
  readonly timeouts: Timeouts
  /** How many tokens are remembered. */
  readonly cache: number
}

/** The cookie carries an id; the session lies in a store, under a hash of it. */
export class StoreBackend implements Backend, Bindings {
  readonly selfContained = false
  readonly immediate: boolean
  readonly bindings: Bindings = this
  readonly records: StoredRecords
  readonly #keyring: Keyring
  readonly #timeouts: Timeouts
  readonly #tokens: Remembered<Reference>

  constructor (keyring: Keyring, { records, timeouts, cache }: StoreBackendOptions) {
    this.records = records
    this.immediate = records.immediate
    this.#keyring = keyring
    this.#timeouts = timeouts
    this.#tokens = new Remembered(cache)
  }

  newId (): Id {
    const raw = random(ID_BYTES)
    return { raw, key: this.records.key(raw) }
  }

  load (token: string, now: number, step?: Step): Answer<Loaded> {
    if (!this.#isWhole(token)) return { state: 'none', reason: 'malformed' }
    const reference = this.#reference(token)
    if (reference === null) return refused(this.#keyring, token)
    return this.#find(reference, now, step)
  }

  async adopt (ids: readonly Buffer[], found: Adoptable | null, now: number, step?: Step): Promise<Loaded> {
    const claimed = await claim(this.records, ids, found, now, step)
    if ('state' in claimed) return claimed
    const { id, located } = claimed
    // Stale, so that the browser gets a token of ours.
    if (located !== null) return this.#found({ ...id, issuedAt: 0, stale: true }, located, now)
    if (found === null) return { state: 'none', reason: 'unknown' }
    return judge({ ...id, record: found.record, payload: null, usedAt: now, stale: true }, this.#timeouts, now)
  }

  reload (place: Place, now: number, step?: Step): Promise<Reloaded> {
    return this.records.reload(place, now, step)
  }

  create ({ raw, key }: Id, draft: Draft, step?: Step): Answer<Saved | null> {
    const payload = payloadOf(draft)
    return after(this.records.create(key, payload, draft, step), (created) => created
      ? { place: this.#keep({ raw, key, stale: false }, draft, payload, true), token: this.#token({ raw, key }, draft.times.usedAt), created: true }
      : null)
  }

  replace (place: Place, draft: Draft, reissue: boolean, step?: Step): Answer<Saved | Overtaken | typeof ENDED> {
    const payload = payloadOf(draft)
    return after(this.records.replace(place.key, place.payload, payload, draft, step), (outcome): Answer<Saved | Overtaken | typeof ENDED> => {
      if (outcome === 'missing') return ENDED
      if (outcome === 'conflict') return this.records.latest(place, step)
      return {
        place: this.#keep(place, draft, payload, false),
        token: reissue && place.raw !== null ? this.#token(place as Id, draft.times.usedAt) : null,
        created: !isKept(place)
      }
    })
  }

  /** A compare-and-set: a blind touch could bring an old id back to life in the browser. A request that was faster has used the session, too. */
  touch (place: Place, draft: Draft, step?: Step): Answer<Saved | typeof ENDED> {
    const { usedAt } = draft.times
    const payload = payloadOf(draft)
    return after(this.records.replace(place.key, place.payload, payload, draft, step), (outcome) => {
      if (outcome === 'missing') return ENDED
      if (outcome === 'conflict') return { place: { ...place, usedAt, stale: false }, token: null, created: false }
      return {
        place: { ...this.#keep(place, draft, payload, false), stale: false },
        token: place.raw === null ? null : this.#token(place as Id, usedAt),
        created: false
      }
    })
  }

  supersede (place: Place, successor: Place, final: boolean, now: number, step?: Step): Answer<'done' | Overtaken | typeof ENDED> {
    return after(this.records.leaveTombstone(place, successor, final, now, step), (outcome): Answer<'done' | Overtaken | typeof ENDED> => {
      if (outcome === 'missing') return ENDED
      return outcome === 'conflict' ? this.records.latest(place, step) : 'done'
    })
  }

  end (place: Place, step?: Step): Promise<boolean> {
    return this.records.end(place, step)
  }

  discard (place: Pick<Place, 'key'>): Answer<void> {
    return this.records.calls.delete(place.key)
  }

  locate (token: string): Origin | null {
    const reference = this.#isWhole(token) ? this.#reference(token) : null
    return reference && { ...reference, usedAt: reference.issuedAt, record: null }
  }

  rebind (place: Place, draft: Draft, step?: Step): Answer<ReplaceOutcome> {
    return this.records.replace(place.key, place.payload, payloadOf(draft), draft, step)
  }

  #isWhole (token: string): boolean {
    return token.length === this.#keyring.size(REFERENCE_BYTES)
  }

  #reference (token: string): Reference | null {
    return this.#tokens.get(token) ?? this.#read(token)
  }

  #find (reference: Reference, now: number, step?: Step): Answer<Loaded> {
    return after(this.records.locate(reference.key, now, step), (located) => 'state' in located ? located : this.#found(reference, located, now))
  }

  #found (reference: Reference, { key, payload, record }: Located, now: number): Loaded {
    const usedAt = Math.max(reference.issuedAt, record.times.usedAt)
    const raw = key === reference.key ? reference.raw : null
    return judge({ raw, key, record, payload, usedAt, stale: reference.stale }, this.#timeouts, now)
  }

  #keep (place: Pick<Place, 'raw' | 'key' | 'stale'>, draft: Draft, payload: string, isNew: boolean): Place {
    const record: SessionRecord = { kind: 'session', times: draft.times, found: draft.stored, card: draft.card, device: draft.device }
    this.records.remember(place.key, payload, record, isNew)
    return { raw: place.raw, key: place.key, stale: place.stale, record, payload, usedAt: draft.times.usedAt }
  }

  #token ({ raw, key }: Id, issuedAt: number): string {
    const body = Buffer.allocUnsafe(REFERENCE_BYTES)
    raw.copy(body)
    body.writeUIntBE(issuedAt, ID_BYTES, 6)
    const token = this.#keyring.write(body)
    this.#tokens.offer(token, { raw, key, issuedAt, stale: false })
    return token
  }

  #read (token: string): Reference | null {
    const opened = this.#keyring.read(token)
    if (opened === null) return null
    const raw = Buffer.from(opened.body.subarray(0, ID_BYTES))
    const reference = { raw, key: this.records.key(raw), issuedAt: opened.body.readUIntBE(ID_BYTES, 6), stale: opened.stale }
    this.#tokens.offer(token, reference)
    return reference
  }
}

function payloadOf ({ times, stored, card, device }: Draft): string {
  return writePayload(times, stored, card, device)
}
