import { randomBytes } from 'node:crypto'
import { InvalidOption } from '../errors.js'
import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'
import type { DynamodbClient, TableMaker } from './internal/dynamodb/client.js'
import { isDone, unlessRefused } from './internal/dynamodb/conditions.js'
import { enableTimeToLive, makeTable } from './internal/dynamodb/create-table.js'
import { Entries } from './internal/dynamodb/entries.js'
import { now, recordKey, times } from './internal/dynamodb/items.js'
import { assertOptions, hasMethods } from './internal/options.js'
import { subjectTag } from './internal/subject-tag.js'
import { assertText, fitsUtf8 } from './internal/values.js'

export type { DynamodbClient, TableMaker } from './internal/dynamodb/client.js'

/** Options of `dynamodbStore`. */
export interface DynamodbStoreOptions {
  /** A `DynamoDB` of `@aws-sdk/client-dynamodb`, which stays yours to close: docs/dynamodb.md has its options. */
  client: DynamodbClient
  /** Its key are the texts `pk` and `sk`, as `createTable` makes it. Default `'sessions'`. */
  table?: string | undefined
}

/**
 * Sessions in one table of DynamoDB. Every write has a condition and knows itself again, so the client may ask twice. Every
 * read is consistent, and the deadline is compared by the application's clock. DynamoDB's TTL removes what is over, some time later.
 *
 * Sessions with a subject have an entry of their own beside the record: partition the subject, sort key the id. It is
 * written before the record. If the process dies between the two, the entry names a session that does not exist, which
 * `findBySubject` passes over; never the other way round. There is no global index, which could not be read consistently.
 *
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a client of another kind, for a name that no table can have, and for
 * another option.
 */
export function dynamodbStore (options: DynamodbStoreOptions): AsyncStore {
  assertOptions('dynamodbStore', options, ['client', 'table'])
  const { client, table = 'sessions' } = options
  if (!hasMethods(client, 'getItem', 'putItem', 'updateItem', 'deleteItem', 'query')) {
    throw new InvalidOption('client', 'dynamodbStore needs a DynamoDB of @aws-sdk/client-dynamodb: new DynamoDB({ … }), not DynamoDBClient')
  }
  assertTable('dynamodbStore', table)
  return new DynamodbStore(client, table)
}

/**
 * Creates the table, paid by request, and has DynamoDB remove what is over. Waits until the table can be used. Does
 * nothing where it is there already. `ttl: false` is for servers without TTL: nothing that is over is then removed.
 *
 * @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` for a table that is there with other keys
 */
export async function createTable (client: TableMaker, options: { table?: string | undefined, ttl?: boolean | undefined } = {}): Promise<void> {
  assertOptions('createTable', options, ['table', 'ttl'])
  const { table = 'sessions', ttl = true } = options
  assertTable('createTable', table)
  await makeTable(client, table)
  if (ttl) await enableTimeToLive(client, table, 'expires')
}

interface Kept extends StoredRecord {
  readonly tag: string | undefined
  /** The name of the write that it is of. */
  readonly write: string | undefined
}

class DynamodbStore implements AsyncStore {
  readonly name = 'dynamodbStore'
  readonly #client: DynamodbClient
  readonly #table: { TableName: string }
  readonly #entries: Entries
  readonly #name = randomBytes(8).toString('hex')
  #writes = 0

  constructor (client: DynamodbClient, table: string) {
    this.#client = client
    this.#table = { TableName: table }
    this.#entries = new Entries(client, this.#table)
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    assertText(fitsUtf8, { payload, subject })
    const tag = tagOf(subject)
    const write = this.#nextWrite()
    const item = { ...recordKey(id), payload: { S: payload }, ...tag && { tag: { S: tag } }, ...times(expiresAt), writer: { S: write } }
    if (tag) await this.#entries.enter(tag, id, expiresAt)
    const isCreated = await isDone(this.#client.putItem({
      ...this.#table, Item: item, ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now', ExpressionAttributeValues: { ':now': now() }
    }))
    return isCreated || (await this.#find(id))?.write === write
  }

  async load (id: string): Promise<string | null> {
    return (await this.#find(id))?.payload ?? null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    assertText(fitsUtf8, { expected, payload, subject })
    const tag = tagOf(subject)
    const write = this.#nextWrite()
    const update = this.#update(id, expected, payload, expiresAt, tag, write)
    // As a rule the record stays its subject's: then both writes leave together, in one round trip.
    const [isReplaced] = await Promise.all([isDone(update(tag ? ' AND tag = :tag' : ' AND attribute_not_exists(tag)')), tag && this.#entries.enter(tag, id, expiresAt)])
    if (isReplaced) return 'replaced'
    const found = await this.#refusal(id, expected, write)
    if (typeof found === 'string') return found
    if (!await isDone(update(''))) {
      const again = await this.#refusal(id, expected, write)
      return typeof again === 'string' ? again : 'conflict'
    }
    if (found.tag) await this.#entries.leave(found.tag, id)
    return 'replaced'
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    const { expiresAt: at, expires } = times(expiresAt)
    const touched = await unlessRefused(this.#client.updateItem({
      ...this.#table,
      Key: recordKey(id),
      UpdateExpression: 'SET expiresAt = :at, expires = :expires',
      ConditionExpression: 'expiresAt > :now',
      ExpressionAttributeValues: { ':at': at, ':expires': expires, ':now': now() },
      ReturnValues: 'ALL_NEW'
    }))
    const tag = touched?.Attributes?.tag?.S
    if (tag) await this.#entries.enter(tag, id, expiresAt)
    return touched !== undefined
  }

  async delete (id: string): Promise<void> {
    const { Attributes } = await this.#client.deleteItem({ ...this.#table, Key: recordKey(id), ReturnValues: 'ALL_OLD' })
    if (Attributes?.tag?.S) await this.#entries.leave(Attributes.tag.S, id)
  }

  /** An entry counts only if the record itself says the same. */
  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    assertText(fitsUtf8, { subject })
    const tag = subjectTag(subject)
    for await (const ids of this.#entries.idsOf(tag)) {
      const records = await Promise.all(ids.map(async (id) => await this.#find(id)))
      for (const record of records) if (record?.tag === tag) yield { id: record.id, payload: record.payload, expiresAt: record.expiresAt }
    }
  }

  async #find (id: string): Promise<Kept | undefined> {
    const { Item = {} } = await this.#client.getItem({ ...this.#table, Key: recordKey(id), ConsistentRead: true })
    const { payload, expiresAt, tag, writer } = Item
    const deadline = Number(expiresAt?.N)
    if (payload?.S === undefined || !(deadline > Date.now())) return undefined
    return { id, payload: payload.S, expiresAt: deadline, tag: tag?.S, write: writer?.S }
  }

  /** Why a `replace` was refused; or the record, if it is what was expected and the subject is another one. */
  async #refusal (id: string, expected: string, write: string): Promise<ReplaceOutcome | Kept> {
    const found = await this.#find(id)
    if (found === undefined) return 'missing'
    // It was done: the answer was lost, and the client asked again.
    if (found.write === write) return 'replaced'
    return found.payload === expected ? found : 'conflict'
  }

  /** The write of `replace`, under one more condition. */
  #update (id: string, expected: string, payload: string, expiresAt: number, tag: string | undefined, write: string) {
    const { expiresAt: at, expires } = times(expiresAt)
    const values = { ':payload': { S: payload }, ':at': at, ':expires': expires, ':expected': { S: expected }, ':now': now(), ':writer': { S: write } }
    return async (condition: string) => await this.#client.updateItem({
      ...this.#table,
      Key: recordKey(id),
      UpdateExpression: `SET payload = :payload, expiresAt = :at, expires = :expires, writer = :writer${tag ? ', tag = :tag' : ' REMOVE tag'}`,
      ConditionExpression: `payload = :expected AND expiresAt > :now${condition}`,
      ExpressionAttributeValues: tag ? { ...values, ':tag': { S: tag } } : values
    })
  }

  /** By which a write knows itself again. */
  #nextWrite (): string {
    return `${this.#name}:${this.#writes++}`
  }
}

const tagOf = (subject: string | undefined) => subject === undefined ? undefined : subjectTag(subject)

function assertTable (factory: string, table: unknown): void {
  if (typeof table !== 'string' || !/^[\w.-]{3,255}$/.test(table)) throw new InvalidOption('table', `${factory} takes 3 to 255 letters, digits or . _ -`)
}
