import { wholeMilliseconds } from '../values.js'
import type { DynamodbClient, Found, Item } from './client.js'
import { isDone } from './conditions.js'
import { entryKey, idOf, now, times } from './items.js'

const PAGE = 25

type Page = { Items?: Found[] | undefined, LastEvaluatedKey?: Found | undefined }

/** The sessions of a subject: an item for each, beside the records. */
export class Entries {
  readonly #client: DynamodbClient
  readonly #table: { TableName: string }

  constructor (client: DynamodbClient, table: { TableName: string }) {
    this.#client = client
    this.#table = table
  }

  /**
   * An entry outlives the record by as long as the record has to live, so that one lost write of it takes no live session
   * out of a search. Nor does a write that is refused in the end: an entry only ever moves to a later time.
   */
  async enter (tag: string, id: string, expiresAt: number): Promise<void> {
    const item = { ...entryKey(tag, id), ...times(2 * wholeMilliseconds(expiresAt) - Date.now()) }
    await isDone(this.#client.putItem({
      ...this.#table, Item: item, ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :at', ExpressionAttributeValues: { ':at': item.expiresAt }
    }))
  }

  /** The record says so by now. An entry that stays behind is passed over, and expires like any other. */
  async leave (tag: string, id: string): Promise<void> {
    await this.#client.deleteItem({ ...this.#table, Key: entryKey(tag, id) }).catch(() => {})
  }

  /** In pages. */
  async * idsOf (tag: string): AsyncGenerator<string[]> {
    let from: { ExclusiveStartKey?: Item } | undefined = {}
    while (from) {
      const { Items = [], LastEvaluatedKey }: Page = await this.#client.query({
        ...this.#table,
        ...from,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        FilterExpression: 'expiresAt > :now',
        ExpressionAttributeValues: { ':pk': entryKey(tag, '').pk, ':now': now() },
        ProjectionExpression: 'sk',
        Limit: PAGE
      })
      yield Items.map(({ sk }) => idOf(sk?.S))
      from = LastEvaluatedKey && { ExclusiveStartKey: entryKey(tag, idOf(LastEvaluatedKey.sk?.S)) }
    }
  }
}
