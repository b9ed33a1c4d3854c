import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'
import { InvalidOption } from '../errors.js'
import { assertOptions, hasMethods } from './internal/options.js'
import { errorField } from './internal/sql/retry.js'
import { assertText, fitsUtf8, wholeMilliseconds } from './internal/values.js'

interface Operator {
  $eq?: string
  $in?: string[]
  $gt?: Date
  $lte?: Date
}

type Filter = Record<string, Operator>

interface SessionDocument {
  _id: string
  payload: string
  expiresAt: Date
  subject?: string
}

type Fields = Omit<SessionDocument, '_id'>

// These win over the collection's own options. A write that nobody acknowledges tells nothing, a secondary may still hold a
// destroyed session, and codes and counts have to be numbers.
const plain = { raw: false, promoteValues: true }
const majority = { ...plain, writeConcern: { w: 'majority' as const } }
const fromPrimary = { ...plain, readPreference: 'primary' as const }

/** The members of a `Collection` of `mongodb` that the store uses. */
export interface MongoCollection {
  findOne (filter: Filter, options: typeof fromPrimary & { projection: object }): Promise<object | null>
  find (filter: Filter, options: typeof fromPrimary & { projection?: object, limit?: number, sort?: { expiresAt: 1 } }): AsyncIterable<object>
  replaceOne (filter: Filter, fields: Fields, options: typeof majority & { upsert: true }): Promise<unknown>
  updateOne (filter: Filter, update: { $set: Partial<Fields>, $unset?: { subject: '' } }, options: typeof majority): Promise<{ matchedCount: number }>
  deleteOne (filter: Filter, options: typeof majority): Promise<unknown>
  deleteMany (filter: Filter, options: typeof majority): Promise<{ deletedCount: number }>
}

/** The part of a `Collection` of `mongodb` that `createIndexes` needs. */
export interface IndexableCollection {
  createIndex (key: Record<string, 1>, options: { name: string, expireAfterSeconds?: number }): Promise<unknown>
}

/** Options of `mongoStore`. */
export interface MongoStoreOptions {
  /** A `Collection` of `mongodb`, without a collation of its own. Its client stays yours. */
  collection: MongoCollection
}

const sweepBatch = 1000
const duplicateKey = 11000
// The server's clock may run ahead of the application's, whose deadlines these are.
const ttlGrace = 60

/**
 * Sessions in MongoDB 5.0 and later: one document each, its deadline a date by the clock of the application. Reads go to
 * the primary, writes are acknowledged by a majority. `createIndexes` has the server remove what is over.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for anything but a collection, and for another option.
 */
export function mongoStore (options: MongoStoreOptions): AsyncStore {
  assertOptions('mongoStore', options, ['collection'])
  const { collection } = options
  if (!hasMethods(collection, 'updateOne')) throw new InvalidOption('collection', 'expected a Collection of mongodb')
  return new MongoStore(collection)
}

class MongoStore implements AsyncStore {
  readonly name = 'mongoStore'
  readonly #collection: MongoCollection

  constructor (collection: MongoCollection) {
    this.#collection = collection
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    assertText(fitsUtf8, { id })
    const fields = toFields(payload, expiresAt, subject)
    try {
      // Replaces what is over and inserts what is not there. A live document is neither, and its id is taken.
      await this.#collection.replaceOne(over(id), fields, { ...majority, upsert: true })
      return true
    } catch (error) {
      if (errorField(error, 'code') === duplicateKey) return false
      throw error
    }
  }

  async load (id: string): Promise<string | null> {
    if (!fitsUtf8(id)) return null
    const found = await this.#collection.findOne(live(id), { ...fromPrimary, projection: { payload: 1 } })
    return found && (found as SessionDocument).payload
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const { subject: owner, ...fields } = toFields(payload, expiresAt, subject)
    if (!fitsUtf8(id)) return 'missing'
    const update = owner === undefined ? { $set: fields, $unset: { subject: '' as const } } : { $set: { ...fields, subject: owner } }
    const isReplaced = fitsUtf8(expected) &&
      (await this.#collection.updateOne({ ...live(id), payload: { $eq: expected } }, update, majority)).matchedCount === 1
    if (isReplaced) return 'replaced'
    return await this.#collection.findOne(live(id), { ...fromPrimary, projection: { _id: 1 } }) ? 'conflict' : 'missing'
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    const update = { $set: { expiresAt: toDate(expiresAt) } }
    return fitsUtf8(id) && (await this.#collection.updateOne(live(id), update, majority)).matchedCount === 1
  }

  async delete (id: string): Promise<void> {
    if (fitsUtf8(id)) await this.#collection.deleteOne({ _id: { $eq: id } }, majority)
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    if (!fitsUtf8(subject)) return
    const found = this.#collection.find({ subject: { $eq: subject }, expiresAt: { $gt: new Date() } }, fromPrimary)
    for await (const document of found) {
      const { _id: id, payload, expiresAt } = document as SessionDocument
      yield { id, payload, expiresAt: expiresAt.getTime() }
    }
  }

  async sweep (): Promise<number> {
    const filter = { expiresAt: { $lte: new Date() } }
    const options = { ...fromPrimary, projection: { _id: 1 }, sort: { expiresAt: 1 as const }, limit: sweepBatch }
    let removed = 0
    let ids: string[]
    do {
      ids = []
      for await (const document of this.#collection.find(filter, options)) ids.push((document as SessionDocument)._id)
      // The deadline is compared again: meanwhile one may have been created anew.
      removed += (await this.#collection.deleteMany({ _id: { $in: ids }, ...filter }, majority)).deletedCount
    } while (ids.length === sweepBatch)
    return removed
  }
}

/**
 * Creates the index that finds by subject, and the one by which the server removes what is over, a minute after the
 * deadline. `ttl: false` leaves the latter a plain index, for servers that have no TTL: the store then sweeps alone.
 */
export async function createIndexes (collection: IndexableCollection, { ttl = true }: { ttl?: boolean | undefined } = {}): Promise<void> {
  await collection.createIndex({ subject: 1 }, { name: 'subject' })
  await collection.createIndex({ expiresAt: 1 }, { name: 'expiresAt', ...(ttl && { expireAfterSeconds: ttlGrace }) })
}

const live = (id: string): Filter => ({ _id: { $eq: id }, expiresAt: { $gt: new Date() } })
const over = (id: string): Filter => ({ _id: { $eq: id }, expiresAt: { $lte: new Date() } })

const toDate = (expiresAt: number) => new Date(wholeMilliseconds(expiresAt))

function toFields (payload: string, expiresAt: number, subject: string | undefined): Fields {
  assertText(fitsUtf8, { payload, subject })
  return { payload, expiresAt: toDate(expiresAt), ...(subject !== undefined && { subject }) }
}
