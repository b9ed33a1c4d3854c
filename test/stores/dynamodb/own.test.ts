import { mock } from 'node:test'
import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import t from 'tap'
import { createTable, type DynamodbClient, dynamodbStore, type TableMaker } from '../../../lib/stores/dynamodb.js'
import { collect, later, past } from '../../support/store-cases.js'
import { openDynamodb, startDynalite } from './engine.js'

const server = await startDynalite()
const dynamodb = openDynamodb(server.port)
t.teardown(async () => {
  dynamodb.destroy()
  await server.stop()
})

interface Call { readonly name: string, readonly input: Record<string, unknown> }
type Around = (call: Call, done: () => Promise<unknown>) => Promise<unknown>

let tables = 0

/** A store in a table of its own, what it calls, and what happens around its next calls. */
async function scene () {
  const table = `table_${tables++}`
  await createTable(dynamodb, { table, ttl: false })
  const calls: Call[] = []
  const state: { around: Around } = { around: async (_, done) => await done() }
  const member = (name: keyof DynamodbClient) => async (input: object) => {
    const call = { name, input: input as Record<string, unknown> }
    calls.push(call)
    const send = dynamodb[name].bind(dynamodb) as (input: object) => Promise<unknown>
    return await state.around(call, async () => await send(input))
  }
  const names = ['getItem', 'putItem', 'updateItem', 'deleteItem', 'query'] as const
  const client = Object.fromEntries(names.map((name) => [name, member(name)])) as unknown as DynamodbClient
  const items = async () => (await dynamodb.scan({ TableName: table, ConsistentRead: true })).Items ?? []
  return {
    table,
    store: dynamodbStore({ client, table }),
    around: (around: Around) => { state.around = around },
    take: () => calls.splice(0),
    names: () => calls.splice(0).map(({ name, input }) => `${name} ${keyIn(input).startsWith('subject:') ? 'entry' : 'record'}`),
    items,
    entries: async () => (await items()).filter(({ pk }) => pk?.S?.startsWith('subject:')).map(({ sk }) => sk?.S)
  }
}

function keyIn (input: Record<string, unknown>): string {
  const { pk } = (input.Key ?? input.Item ?? { pk: (input.ExpressionAttributeValues as Record<string, unknown>)[':pk'] }) as { pk: { S: string } }
  return pk.S
}

/** As a client does that got no answer, and asks again. */
const twice = (names: readonly string[]): Around => async ({ name, input }, done) => {
  if (names.includes(name) && keyIn(input).startsWith('id:')) await done()
  return await done()
}

t.test('every call is the few requests it says: an entry goes before its record, and what is read is consistent', async (t) => {
  const { store, names, take } = await scene()
  await store.create('id', 'first', later())
  t.strictSame(names(), ['putItem record'])
  await store.load('id')
  t.strictSame(names(), ['getItem record'])
  await store.replace('id', 'first', 'second', later())
  t.strictSame(names(), ['updateItem record'])
  await store.touch('id', later())
  t.strictSame(names(), ['updateItem record'])
  await store.replace('id', 'second', 'hers', later(), 'ann')
  t.strictSame(names(), ['updateItem record', 'putItem entry', 'getItem record', 'updateItem record'], 'a sign-in')
  await store.replace('id', 'hers', 'still hers', later(), 'ann')
  t.strictSame(names(), ['updateItem record', 'putItem entry'])
  await store.touch('id', later())
  t.strictSame(names(), ['updateItem record', 'putItem entry'])
  await store.replace('id', 'still hers', 'over', later())
  t.strictSame(names(), ['updateItem record', 'getItem record', 'updateItem record', 'deleteItem entry'], 'a sign-out')
  await store.create('other', 'first', later(), 'ann')
  t.strictSame(names(), ['putItem entry', 'putItem record'])
  await collect(store, 'ann')
  const reads = take()
  t.strictSame(reads.map(({ name }) => name), ['query', 'getItem'])
  for (const { input } of reads) t.equal(input.ConsistentRead, true)
  await store.delete('other')
  t.strictSame(names(), ['deleteItem record', 'deleteItem entry'])
})

t.test('what is kept: a record with its times, and of a subject its hash', async (t) => {
  const { store, items } = await scene()
  const deadline = later()
  await store.create('id', 'payload', deadline, 'ann@example.org')
  const [entry, record] = (await items()).sort((a, b) => String(b.pk?.S).localeCompare(String(a.pk?.S)))
  t.match(record, { pk: { S: 'id:id' }, sk: { S: 'record' }, payload: { S: 'payload' }, tag: { S: /^[\w-]{43}$/ }, expiresAt: { N: String(deadline) }, expires: { N: String(Math.ceil(deadline / 1000) + 60) } })
  t.match(entry, { pk: { S: `subject:${record?.tag?.S}` }, sk: { S: 'id:id' } })
  t.ok(Number(entry?.expiresAt?.N) > deadline, 'an entry outlives its record')
  t.notMatch(JSON.stringify([entry, record]), 'ann')
})

t.test('a record that is over counts as none although DynamoDB has not removed it yet', async (t) => {
  const { store, items } = await scene()
  await store.create('id', 'old', past(), 'ann')
  t.equal((await items()).length, 2)
  t.equal(await store.load('id'), null)
  t.equal(await store.touch('id', later()), false)
  t.equal(await store.replace('id', 'old', 'new', later()), 'missing')
  t.strictSame(await collect(store, 'ann'), [])
  t.equal(await store.create('id', 'new', later()), true)
  t.equal(await store.load('id'), 'new')
})

t.test('an item that is none of ours is no session', async (t) => {
  const { store, table } = await scene()
  const key = { pk: { S: 'id:foreign' }, sk: { S: 'record' } }
  await dynamodb.putItem({ TableName: table, Item: key })
  t.equal(await store.load('foreign'), null)
  await dynamodb.putItem({ TableName: table, Item: { ...key, expiresAt: { N: String(later()) } } })
  t.equal(await store.load('foreign'), null)
})

t.test('a process that dies between entry and record leaves an entry that is passed over, never a session that nobody finds', async (t) => {
  const { store, around, entries } = await scene()
  around(async ({ name, input }, done) => {
    if (name === 'putItem' && keyIn(input).startsWith('id:')) throw new Error('the process has died')
    return await done()
  })
  await t.rejects(store.create('id', 'payload', later(), 'ann'), /died/)
  t.strictSame(await entries(), ['id:id'])
  t.strictSame(await collect(store, 'ann'), [])
})

t.test('a session of another subject leaves the former one\'s entries, and one that cannot be removed is passed over', async (t) => {
  const { store, around, entries } = await scene()
  await store.create('id', 'hers', later(), 'ann')
  t.equal(await store.replace('id', 'hers', 'his', later(), 'bob'), 'replaced')
  t.equal((await entries()).length, 1)
  around(async ({ name }, done) => {
    if (name === 'deleteItem') throw new Error('throttled')
    return await done()
  })
  t.equal(await store.replace('id', 'his', 'hers', later(), 'ann'), 'replaced')
  t.equal((await entries()).length, 2)
  t.strictSame(await collect(store, 'bob'), [])
  t.strictSame((await collect(store, 'ann')).map(({ payload }) => payload), ['hers'])
})

t.test('a client that got no answer and asks again is told that its write was done', async (t) => {
  const { store, around } = await scene()
  around(twice(['putItem', 'updateItem']))
  t.equal(await store.create('id', 'first', later(), 'ann'), true)
  t.equal(await store.replace('id', 'first', 'second', later(), 'ann'), 'replaced')
  t.equal(await store.replace('id', 'second', 'third', later(), 'bob'), 'replaced')
  t.equal(await store.load('id'), 'third')
  t.equal(await store.create('id', 'other', later()), false, 'and that it was not')
  t.equal(await store.replace('id', 'first', 'fourth', later()), 'conflict')
})

t.test('a record that changes hands, and is written by somebody else meanwhile, is a conflict', async (t) => {
  const { store, around } = await scene()
  await store.create('id', 'first', later())
  let reads = 0
  around(async ({ name }, done) => {
    const answer = await done()
    if (name === 'getItem' && reads++ === 0) {
      around(async (_, done) => await done())
      await store.replace('id', 'first', 'theirs', later())
    }
    return answer
  })
  t.equal(await store.replace('id', 'first', 'hers', later(), 'ann'), 'conflict')
  t.equal(await store.load('id'), 'theirs')
})

t.test('a record that changes hands twice, and reads as expected each time, is a conflict', async (t) => {
  const { store, around } = await scene()
  await store.create('id', 'first', later(), 'ann')
  around(async ({ name }, done) => {
    if (name === 'updateItem') throw Object.assign(new Error(), { name: 'ConditionalCheckFailedException' })
    return await done()
  })
  t.equal(await store.replace('id', 'first', 'second', later(), 'bob'), 'conflict')
})

t.test('a refusal of another kind is a failure', async (t) => {
  const { store, around } = await scene()
  around(async () => { throw Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' }) })
  const calls: Array<Promise<unknown>> = [store.create('id', 'p', later()), store.replace('id', 'p', 'q', later()), store.touch('id', later()), store.load('id'), store.delete('id')]
  for (const call of calls) await t.rejects(async () => await call, /slow down/)
})

t.test('an id is up to 1000 bytes of text, and any other is refused', async (t) => {
  const { store } = await scene()
  for (const id of ['', 'x'.repeat(1000), '💥'.repeat(250), 'a\0b']) {
    t.equal(await store.create(id, 'payload', later(), 'ann'), true)
    t.equal(await store.load(id), 'payload')
  }
  t.equal((await collect(store, 'ann')).length, 4)
  for (const id of ['x'.repeat(1001), '\ud800']) await t.rejects(store.create(id, 'payload', later()), TypeError)
})

t.test('createTable makes the table once, and refuses one with other keys', async (t) => {
  await createTable(dynamodb, { table: 'made', ttl: false })
  await createTable(dynamodb, { table: 'made', ttl: false })
  await dynamodb.createTable({ TableName: 'foreign', KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }], BillingMode: 'PAY_PER_REQUEST' })
  await t.rejects(createTable(dynamodb, { table: 'foreign', ttl: false }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /foreign is there with other keys/ })
  await t.rejects(createTable(failing('createTable', dynamodb), { table: 'made', ttl: false }), /not allowed/)
})

t.test('createTable says what is wrong with its options', async (t) => {
  const code = 'FST_TYPED_SESSION_INVALID_OPTION'
  await t.rejects(createTable(dynamodb, { tabel: 'made' } as object), { code, message: 'createTable({ tabel }): there is no such option, it takes table, ttl' })
  await t.rejects(createTable(dynamodb, { table: 'a b' }), { code, message: 'createTable takes 3 to 255 letters, digits or . _ -' })
})

t.test('createTable has DynamoDB remove what is over, unless it does so already', async (t) => {
  for (const [status, expected] of [['DISABLED', 1], ['ENABLED', 0], ['ENABLING', 0]] as const) {
    const asked: object[] = []
    const client = {
      createTable: async () => {},
      describeTable: async (input: { TableName: string }) => await dynamodb.describeTable({ TableName: input.TableName === 'sessions' ? 'made' : '' }),
      describeTimeToLive: async () => ({ TimeToLiveDescription: { TimeToLiveStatus: status } }),
      updateTimeToLive: async (input: object) => { asked.push(input) }
    }
    await createTable(client)
    t.strictSame(asked, Array(expected).fill({ TableName: 'sessions', TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' } }), status)
  }
  await t.rejects(createTable(dynamodb, { table: 'made' }), { name: 'UnknownOperationException' }, 'dynalite has none')
})

t.test('createTable waits until the table can be used, two minutes at most', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const made = await dynamodb.describeTable({ TableName: 'made' })
  const waits = async (until: number) => {
    let asked = 0
    const describeTable = async () => ({ Table: { ...made.Table, TableStatus: asked++ < until ? 'CREATING' : 'ACTIVE' } })
    const outcome = createTable({ ...failing('updateTimeToLive', dynamodb), createTable: async () => {}, describeTable }, { ttl: false }).then(() => asked, (error: Error) => error.message)
    for (let turn = 0; turn < 2000; turn++) {
      await new Promise(setImmediate)
      mock.timers.tick(200)
    }
    return await outcome
  }
  t.equal(await waits(3), 4)
  t.match(await waits(Infinity), /not made the table sessions within two minutes/)
})

/** A client one of whose members is refused. */
function failing (name: keyof TableMaker, client: DynamoDB): TableMaker {
  const members = ['createTable', 'describeTable', 'describeTimeToLive', 'updateTimeToLive'] as const
  const bound = Object.fromEntries(members.map((member) => [member, client[member].bind(client)])) as unknown as TableMaker
  return { ...bound, [name]: async () => { throw new Error('not allowed') } }
}
