import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import t, { type Test } from 'tap'
import { storeConformance } from '../../../lib/conformance.js'
import { createIndexes, mongoStore } from '../../../lib/stores/mongodb.js'
import { ferretdbMissing, javaServerMissing, mongoUrl, startFerretdb, startJavaServer } from '../../support/mongodb.js'
import type { RunningServer } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'

/** FerretDB 1 reads a document, then writes or deletes it: what needs one atomic step, no store can promise on it. */
const needsAtomicUpdates = [
  'of a hundred parallel creates over an expired record exactly one succeeds, and its payload stays',
  'of a hundred parallel replaces exactly one succeeds in each round, the others are conflicts',
  'ten counters that each retry on conflict lose no count',
  'a record deleted while it is being replaced does not come back',
  'a record deleted while it is being touched does not come back',
  'a touch that crosses a replace never brings the old payload back',
  'parallel sweeps count each record once, and do not fail',
  'a sweep lets records be created meanwhile, and leaves them'
]

async function conforms (t: Test, url: string, { ttl = true, without = [] as string[] } = {}) {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
  const run = randomBytes(6).toString('hex')
  t.teardown(() => client.close())
  let collections = 0
  const left = new Set(without)
  storeConformance((name, fn) => {
    if (!left.delete(name)) t.test(name, async (t) => { await fn(); t.pass() })
  }, async () => {
    const collection = client.db().collection(`sessions_${run}_${collections++}`)
    await createIndexes(collection, { ttl })
    return { store: mongoStore({ collection }), close: () => collection.drop() }
  })
  t.same([...left], [], 'what is left out is a check of the contract')
}

async function started (t: Test, start: () => Promise<RunningServer>) {
  const server = await start()
  t.teardown(() => server.stop())
  return mongoUrl(server.port)
}

t.test('A store in mongo-java-server keeps the contract', async (t) => {
  const missing = javaServerMissing()
  if (missing) skipOrFail(t, missing)
  else await conforms(t, await started(t, startJavaServer))
})

t.test('A store in FerretDB 1 keeps all of the contract that needs no atomic update', async (t) => {
  const missing = ferretdbMissing()
  if (missing) skipOrFail(t, missing)
  else await conforms(t, await started(t, startFerretdb), { ttl: false, without: needsAtomicUpdates })
})

t.test('A store in the MongoDB at MONGODB_URL keeps the contract', async (t) => {
  const url = process.env.MONGODB_URL
  if (url) await conforms(t, url)
  else t.plan(0, 'MONGODB_URL names no server')
})
