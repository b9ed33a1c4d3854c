import type { AsyncStore, ReplaceOutcome, SessionStore, StoredRecord } from '../../../types/index.js'
import { InvalidOption } from '../../errors.js'
import { assertOptions } from '../internal/options.js'
import { assertStores, closeBoth, overwrite, settleAll } from '../internal/parts.js'
import { wholeMilliseconds } from '../internal/values.js'

/** Options of `migratingStore`. */
export interface MigratingStoreOptions {
  /** Where sessions are now. */
  readonly from: SessionStore
  /** Where they are going to be. */
  readonly to: SessionStore
  /**
   * `true` in the first of two rolling deploys: reads both stores, and leaves every session where it is. New ones begin in
   * `from`, where processes that do not know of `to` find them. Default `false`: sessions move.
   */
  readonly prepare?: boolean | undefined
}

/**
 * Kept in `to` for a while under an id that was deleted. So a process that is still moving the session does not bring it back.
 * The plugin itself writes this where a session ends: to a process that uses `to` alone it says no more than that.
 */
const DELETED = '{"ended":true}'
const DELETED_LIFE = 60_000

/** Stands before what `from` keeps of a session that is being moved. */
const MOVING = 'fastify-typed-session: moving '

type Finding = SessionStore & Required<Pick<SessionStore, 'findBySubject'>>

/** A session as it has to be put into `to`. */
interface Move { readonly payload: string, readonly expiresAt: number, readonly subject: string | undefined }
/** A session as a store keeps it. `move`: it still has to be put into `to`. */
interface Kept { readonly payload: string, readonly move?: Move }

/**
 * Moves live sessions from one store to another without logging anyone out: reads both, and a session moves when it is next
 * written. Drop it, and `from`, when the idle timeout has passed since the last process began to move.
 *
 * The save that moves a session is one compare-and-set in `from`. It leaves there the session that is to be put into `to`, and the
 * next process that finds it finishes the move. From then on only `to` counts. Safe as long as no process stands still for ten
 * seconds between two calls. Finds by subject if both stores do. Throws `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function migratingStore (options: MigratingStoreOptions): AsyncStore {
  assertOptions('migratingStore', options, ['from', 'to', 'prepare'])
  const { from, to, prepare = false } = options
  assertStores('migratingStore', { from, to })
  if (typeof prepare !== 'boolean') throw new InvalidOption('migratingStore({ prepare })', 'must be true or false')
  return new MigratingStore(from, to, prepare)
}

class MigratingStore implements AsyncStore {
  readonly name = 'migratingStore'
  readonly atomic: boolean
  findBySubject? (subject: string): AsyncIterable<StoredRecord>
  sweep? (): Promise<number>
  readonly #from: SessionStore
  readonly #to: SessionStore
  readonly #prepare: boolean

  constructor (from: SessionStore, to: SessionStore, prepare: boolean) {
    this.atomic = (from.atomic ?? true) && (to.atomic ?? true)
    this.#from = from
    this.#to = to
    this.#prepare = prepare
    if (from.findBySubject && to.findBySubject) this.findBySubject = (subject) => findInBoth(from as Finding, to as Finding, subject)
    if (from.sweep ?? to.sweep) this.sweep = () => sweepBoth(from, to)
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    if (await this.#find(id) !== null) return false
    const there = await this.#to.load(id)
    if (there === DELETED) return await this.#to.replace(id, DELETED, payload, expiresAt, subject) === 'replaced'
    // Somebody else was faster where it was deleted before.
    return there === null && await (this.#prepare ? this.#from : this.#to).create(id, payload, expiresAt, subject)
  }

  async load (id: string): Promise<string | null> {
    return (await this.#find(id))?.payload ?? null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const next = { payload, expiresAt, subject }
    const moved = await this.#replaceMoved(id, expected, next)
    if (moved !== 'missing') return moved
    const present = await this.#replacePresent(id, expected, next)
    if (present === 'replaced' || present === 'conflict') return present
    // It has moved since it was looked for in `to`, or is nowhere.
    return await this.#replaceMoved(id, expected, next)
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    let found = await this.#find(id)
    if (found?.move) {
      await this.#finish(id, found.move)
      found = await this.#find(id)
    }
    // Where it is, since nobody says to whom it belongs; or where it has just moved.
    return found !== null && (await found.in.touch(id, expiresAt) || await this.#to.touch(id, expiresAt))
  }

  async delete (id: string): Promise<void> {
    const marked = await overwrite(this.#to, id, DELETED, Date.now() + DELETED_LIFE)
    if (!marked) throw new Error('migratingStore deletes nothing: `to` neither takes a record nor has one to replace')
    await this.#from.delete(id)
  }

  close (): Promise<void> {
    return closeBoth(this.#from, this.#to)
  }

  /** The answer of `to`, or that of `from` while `to` knows nothing. Asked twice, since the session may move in between. */
  async #find (id: string): Promise<Kept & { in: SessionStore } | null> {
    for (const last of [false, true]) {
      const moved = await this.#to.load(id)
      if (moved !== null) return moved === DELETED ? null : foundIn(this.#to, moved)
      const present = last ? null : await this.#from.load(id)
      if (present !== null) return foundIn(this.#from, present)
    }
    return null
  }

  async #replaceMoved (id: string, expected: string, next: Move): Promise<ReplaceOutcome> {
    // A session that ends is marked, as one that is deleted: a process that is still moving it must not bring it back.
    const { payload, expiresAt, subject }: Move = wholeMilliseconds(next.expiresAt) > Date.now() ? next : { payload: DELETED, expiresAt: Date.now() + DELETED_LIFE, subject: undefined }
    const outcome = await this.#to.replace(id, expected, payload, expiresAt, subject)
    if (outcome === 'conflict') return await this.#to.load(id) === DELETED ? 'missing' : 'conflict'
    // A process that ended in the middle of a move left a copy in `from`. It must not outlive what takes its place.
    if (outcome === 'replaced' && next.expiresAt < Date.now() + DELETED_LIFE) await this.#from.delete(id)
    return outcome
  }

  async #replacePresent (id: string, expected: string, next: Move): Promise<ReplaceOutcome | 'moving'> {
    const { expiresAt, subject } = next
    const outcome = await this.#from.replace(id, expected, this.#prepare ? next.payload : write(next), expiresAt, subject)
    // It is saved by now, whether or not the rest succeeds.
    if (outcome === 'replaced' && !this.#prepare) await this.#finish(id, next).catch(() => {})
    if (outcome !== 'conflict') return outcome
    const present = await this.#from.load(id)
    const kept = present === null ? null : read(present)
    if (kept?.move) await this.#finish(id, kept.move)
    return kept === null || kept.move ? 'moving' : 'conflict'
  }

  /** Not for a session that `to` knows: it would not be overwritten, but forgotten here. */
  async #finish (id: string, { payload, expiresAt, subject }: Move): Promise<void> {
    await this.#to.create(id, payload, expiresAt, subject)
    await this.#from.delete(id)
  }
}

function write ({ payload, expiresAt, subject }: Move): string {
  return `${MOVING}${JSON.stringify([expiresAt, subject])}\n${payload}`
}

/** `null`: it is being moved, but what was left of it is damaged, and no session. */
function read (text: string): Kept | null {
  if (!text.startsWith(MOVING)) return { payload: text }
  const end = text.indexOf('\n')
  const head = parse(text.slice(MOVING.length, Math.max(end, 0)))
  if (!Array.isArray(head)) return null
  const [expiresAt, subject] = head as [unknown, unknown]
  if (typeof expiresAt !== 'number' || (subject !== null && typeof subject !== 'string')) return null
  const payload = text.slice(end + 1)
  return { payload, move: { payload, expiresAt, subject: subject ?? undefined } }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function foundIn (store: SessionStore, text: string): Kept & { in: SessionStore } | null {
  const kept = read(text)
  return kept && { in: store, ...kept }
}

async function sweepBoth (from: SessionStore, to: SessionStore): Promise<number> {
  const counts = await settleAll([from, to].map(async (store) => await store.sweep?.() ?? 0))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** First the store that sessions leave: one that has gone from there meanwhile has come to the other. */
async function * findInBoth (from: Finding, to: Finding, subject: string): AsyncGenerator<StoredRecord> {
  const seen = new Set<string>()
  for await (const record of from.findBySubject(subject)) {
    const kept = await to.load(record.id) === null ? read(record.payload) : null
    if (kept === null) continue
    seen.add(record.id)
    yield { ...record, payload: kept.payload }
  }
  for await (const record of to.findBySubject(subject)) if (!seen.has(record.id)) yield record
}
