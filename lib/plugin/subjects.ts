import type { ListedSession } from '../../types/index.js'
import type { Place } from '../backends/place.js'
import type { StoredRecords } from '../backends/stored-records.js'
import { Conflict, InvalidOption, NotConfigured } from '../errors.js'
import { publicHandle } from '../tokens/public-id.js'
import { factsOf } from '../record/device.js'
import { deadline } from '../record/timeouts.js'
import { end } from '../request/ending.js'
import type { Runtime } from '../request/runtime.js'

/** How many sessions are ended at a time. */
const AT_ONCE = 16
/** Each round ends sessions that the one before could not know of. The bound is for a store that lies. */
const MAX_ROUNDS = 100

/** The sessions of one subject, seen from outside. Rejects with `NotConfigured` where they cannot be found. */
export class SubjectSessions {
  readonly #runtime: Runtime
  readonly #subject: string

  constructor (runtime: Runtime, subject: string) {
    if (typeof subject !== 'string' || subject === '') throw new InvalidOption('subject', 'must be given as a text, and not as an empty one')
    this.#runtime = runtime
    this.#subject = subject
  }

  async list (): Promise<ListedSession[]> {
    const places = await this.#find('list')
    return places.sort((a, b) => b.usedAt - a.usedAt).map((place) => this.#describe(place))
  }

  async destroy (id: string): Promise<boolean> {
    const place = (await this.#find('destroy')).find(({ key }) => publicHandle(key) === id)
    return place !== undefined && await end(this.#runtime, place, null)
  }

  /** Looks again until there is nothing left to end, twice: a session that is just rotating may be missed by one search. */
  async destroyAll (except: readonly string[]): Promise<number> {
    const spared = new Set(except)
    let ended = 0
    for (let round = 0, quiet = 0; round < MAX_ROUNDS; round++) {
      const places = await this.#find('destroyAll')
      for (const place of places) if (this.#isSpared(place, spared)) spared.add(publicHandle(place.key))
      const rest = places.filter(({ key }) => !spared.has(publicHandle(key)))
      quiet = rest.length === 0 ? quiet + 1 : 0
      if (quiet === 2) return ended
      for (let start = 0; start < rest.length; start += AT_ONCE) {
        const outcomes = await Promise.all(rest.slice(start, start + AT_ONCE).map((place) => end(this.#runtime, place, null)))
        ended += outcomes.filter(Boolean).length
      }
    }
    throw new Conflict()
  }

  /** One that is to be spared may have another id by now. */
  #isSpared ({ record }: Place, spared: ReadonlySet<string>): boolean {
    const from = record.card?.from ?? null
    return from !== null && spared.has(publicHandle(from))
  }

  async #find (method: string): Promise<Place[]> {
    const { backend, settings: { name, subject } } = this.#runtime
    if (subject === null) throw new NotConfigured(`${name}s.${method}()`, 'subject')
    if (backend.records === null) throw new NotConfigured(`${name}s.${method}()`, 'revocations (or store)')
    return await (backend.records as StoredRecords).find(this.#subject, Date.now())
  }

  #describe ({ key, record: { times, card, device }, usedAt }: Place): ListedSession {
    return {
      id: publicHandle(key),
      createdAt: new Date(times.createdAt),
      lastUsedAt: new Date(usedAt),
      expiresAt: new Date(deadline(times, usedAt, this.#runtime.settings)),
      authenticatedAt: times.authenticatedAt === 0 ? null : new Date(times.authenticatedAt),
      about: structuredClone(card?.about ?? null),
      device: factsOf(device)
    }
  }
}
