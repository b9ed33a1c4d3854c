import { MongoClient } from 'mongodb'
import t from 'tap'
import { createIndexes, mongoStore } from '../../../lib/stores/mongodb.js'
import { javaServerMissing, mongoUrl, startJavaServer } from '../../support/mongodb.js'
import { met, race } from '../../support/race.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = javaServerMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startJavaServer()
  const url = mongoUrl(server.port)
  const client = new MongoClient(url)
  t.teardown(async () => {
    await client.close()
    await server.stop()
  })
  const collection = client.db().collection('sessions')
  await createIndexes(collection)
  const store = mongoStore({ collection })

  t.test('Two processes lose no write, and never both create one id', async (t) => {
    const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`)
    await store.create('counter', '0', later())
    const results = await race(t, { store: 'mongodb', url, counter: 'counter', increments: 300, ids })
    t.equal(await store.load('counter'), '600')
    t.equal(results.reduce((sum, { created }) => sum + created, 0), 300)
    t.ok(met(results), 'they met')
  })
}
