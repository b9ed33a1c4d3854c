import { MemcacheClient } from 'memcache-client'
import t from 'tap'
import { memcachedStore } from '../../../lib/stores/memcached.js'
import { startProxy } from '../../support/proxy.js'
import { skipOrFail } from '../../support/skip.js'
import { memcachedMissing, openMemcached, startMemcached } from './engine.js'

const inAnHour = () => Date.now() + 3_600_000

t.test('memcachedStore on a real server', async t => {
  const missing = memcachedMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startMemcached()
  const proxy = await startProxy(server.port)
  const { client, open, close } = openMemcached(proxy.port)
  t.teardown(async () => {
    close()
    await proxy.close()
    await server.stop()
  })

  await t.test('K-41: every call is exactly the commands it says, whatever the id', async t => {
    const store = open()
    await client.version()
    const hash = /sess:~[\w-]{43}/
    const commands = (raw: string) => raw.split('\r\n').filter(line => /^[a-z]+ /.test(line)).map(line => line.replace(hash, 'KEY'))
    for (const id of ['x'.repeat(300), 'a b', 'a\r\ndelete sess:b\r\n', 'a\0', '', '💥', '~']) {
      proxy.takeRequests()
      await store.create(id, 'payload', inAnHour())
      t.match(commands(proxy.takeRequests()), [/^add KEY 0 \d+ 21$/], 'create')
      await store.load(id)
      t.strictSame(commands(proxy.takeRequests()), ['gets KEY'], 'load')
      await store.replace(id, 'payload', 'PAYLOAD', inAnHour())
      t.match(commands(proxy.takeRequests()), ['gets KEY', /^cas KEY 0 \d+ 21 \d+$/], 'replace')
      await store.touch(id, inAnHour())
      t.match(commands(proxy.takeRequests()), ['gets KEY', /^cas KEY 0 \d+ 21 \d+$/], 'touch')
      await store.delete(id)
      t.strictSame(commands(proxy.takeRequests()), ['delete KEY'], 'delete')
    }
  })

  await t.test('K-41: a payload that looks like commands is data', async t => {
    const store = open()
    const payload = 'END\r\nget sess:b\r\nVALUE sess:id 0 4 1\r\nabcd\r\nEND\r\n'
    t.equal(await store.create('commands', payload, inAnHour()), true)
    t.equal(await store.load('commands'), payload)
    t.equal(await store.replace('commands', payload, `${payload}!`, inAnHour()), 'replaced')
    t.equal(await store.load('commands'), `${payload}!`)
  })

  await t.test('K-42: one prefix neither sees nor changes what is under another, nor keys of the application', async t => {
    const [ours, theirs] = [open('a:'), open('b:')]
    await ours.create('id', 'ours', inAnHour())
    await theirs.create('id', 'theirs', inAnHour())
    await client.set('id', 'of the application', { lifetime: 60 })
    await ours.delete('id')
    t.equal(await theirs.load('id'), 'theirs')
    t.equal((await client.get<string>('id')).value, 'of the application')
  })

  await t.test('a deadline more than thirty days away is a date, not a duration', async t => {
    const store = open()
    const deadline = Date.now() + 31 * 86_400_000
    proxy.takeRequests()
    await store.create('in 31 days', 'payload', deadline)
    const [, exptime] = /^add \S+ 0 (\d+) /.exec(proxy.takeRequests()) ?? []
    t.equal(Number(exptime), Math.ceil(deadline / 1000) + 1)
    await store.create('in 1970', 'payload', 1000)
    t.match(proxy.takeRequests(), /^add \S+ 0 2592001 /, 'long ago is no duration either')
    await store.create('in 2100', 'payload', Date.UTC(2100, 0))
    t.match(proxy.takeRequests(), /^add \S+ 0 2147483647 /, 'the latest date that Memcached reads')
    t.equal(await store.load('in 2100'), 'payload')
  })

  await t.test('an id is taken for a client with ignoreNotStored, too', async t => {
    const other = new MemcacheClient({ server: { server: `127.0.0.1:${server.port}`, maxConnections: 1 }, ignoreNotStored: true })
    t.teardown(() => other.shutdown())
    const store = memcachedStore({ client: other })
    t.equal(await store.create('ignored', 'first', inAnHour()), true)
    t.equal(await store.create('ignored', 'second', inAnHour()), false)
    t.equal(await store.load('ignored'), 'first')
  })

  await t.test('of a hundred creates over an expired record exactly one succeeds', async t => {
    const store = open()
    for (const id of ['reborn-1', 'reborn-2', 'reborn-3']) {
      await store.create(id, 'dead', Date.now() - 1)
      t.ok(await client.gets(`sess:${id}`), 'Memcached still has it')
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => store.create(id, String(index), inAnHour())))
      t.equal(outcomes.filter(Boolean).length, 1)
      t.equal(await store.load(id), String(outcomes.indexOf(true)))
    }
  })

  await t.test('a payload over a mebibyte is an error that says so, and what was there stays', async t => {
    const store = open()
    const large = 'x'.repeat(2 ** 20)
    await store.create('large', 'small', inAnHour())
    await t.rejects(store.replace('large', 'small', large, inAnHour()), /larger than a Memcached item/)
    await t.rejects(store.create('larger', large, inAnHour()), /larger than a Memcached item/)
    t.equal(await store.load('large'), 'small')
    t.equal(await store.load('larger'), null)
  })

  await t.test('R-14: what another program wrote under our key is no session', async t => {
    const store = open()
    for (const value of ['', '\n', 'payload', '12', 'NaN\npayload', '99999999999999', '-1\npayload', { a: 1 }, 5]) {
      await client.set('sess:foreign', value, { lifetime: 60 })
      t.equal(await store.load('foreign'), null, JSON.stringify(value))
      t.equal(await store.touch('foreign', inAnHour()), false)
      t.equal(await store.replace('foreign', 'payload', 'second', inAnHour()), 'missing')
    }
    t.equal(await store.create('foreign', 'ours', inAnHour()), true)
    t.equal(await store.load('foreign'), 'ours')
  })
})

t.test('memcachedStore refuses at once what cannot work', async t => {
  for (const client of [undefined, null, {}, 'localhost:11211', { gets () {}, add () {}, delete () {} }]) {
    t.throws(() => memcachedStore({ client: client as never }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  }
  const client = openMemcached(1).client
  for (const prefix of ['', 'a b', 'a\r\n', 'é', '~', 'x'.repeat(51)]) {
    t.throws(() => memcachedStore({ client, prefix }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(prefix))
  }
  t.equal(memcachedStore({ client }).findBySubject, undefined)
})

t.test('a record that changes with every attempt to write it ends in an error, not in a loop', async t => {
  const client = {
    gets: async () => ({ value: `${inAnHour()}\npayload`, casUniq: 1 }),
    cas: async () => { throw new Error('EXISTS') },
    add: async () => { throw new Error('out of sorts') },
    delete: async () => { throw 'no error object' } // eslint-disable-line no-throw-literal
  }
  const store = memcachedStore({ client })
  await t.rejects(store.touch('id', inAnHour()), /changed with every attempt/)
  await t.rejects(store.create('id', 'payload', inAnHour()), /out of sorts/)
  await t.rejects(store.delete('id'))
})
