import { MongoClient, type MongoClientOptions } from 'mongodb'
import t from 'tap'
import { withDeadline } from '../../../lib/async/timeout.js'
import { createIndexes, mongoStore } from '../../../lib/stores/mongodb.js'
import { busy } from '../../support/busy.js'
import { javaServerMissing, mongoUrl, startJavaServer } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = javaServerMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startJavaServer()
  const connect = (options: MongoClientOptions = {}) => new MongoClient(mongoUrl(server.port), { serverSelectionTimeoutMS: 300, heartbeatFrequencyMS: 500, ...options })
  const client = connect()
  t.teardown(async () => {
    await client.close()
    await server.stop()
  })
  const collection = client.db().collection('sessions')
  await createIndexes(collection)
  const store = mongoStore({ collection })
  await store.create('a', 'kept', later())
  const recovered = () => store.load('a').then((payload) => payload === 'kept', () => false)

  t.test('R-12 a server that hangs (SIGSTOP) is given up by the deadline of a call, and answers when it wakes', async (t) => {
    await server.signal('SIGSTOP')
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => withDeadline({ timeout: 200, store: 'mongodb' }, 'load', () => store.load('a'))))
    t.ok(outcomes.every(({ status }) => status === 'rejected'))
    await server.signal('SIGCONT')
    await waitUntil('the store answers', recovered, 1000 + busy())
  })

  t.test('R-20 an exhausted pool rejects after its own bounded wait', async (t) => {
    const small = connect({ maxPoolSize: 1, waitQueueTimeoutMS: 1000 })
    t.teardown(() => small.close())
    const other = mongoStore({ collection: small.db().collection('sessions') })
    t.equal(await other.load('a'), 'kept')
    await server.signal('SIGSTOP')
    const first = other.load('a')
    await t.rejects(other.load('a'), { name: 'MongoWaitQueueTimeoutError' })
    await server.signal('SIGCONT')
    t.equal(await first, 'kept')
    t.equal(await other.load('a'), 'kept')
  })

  t.test('R-15 a killed server rejects, and within a second of its return every kept session is back', async (t) => {
    await server.signal('SIGKILL')
    await t.rejects(store.load('a'))
    await t.rejects(store.create('down', 'p', later()))
    await t.rejects(store.replace('a', 'kept', 'p', later()))
    await t.rejects(store.touch('a', later()))
    await server.restart()
    await waitUntil('the store answers', recovered, 1000 + busy())
    t.equal(await store.load('down'), null)
  })
}
