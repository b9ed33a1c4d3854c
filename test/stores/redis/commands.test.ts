import { Redis } from 'ioredis'
import t from 'tap'
import { replaceScript, shrinkScript, touchScript } from '../../../lib/stores/internal/redis/scripts.js'
import { redisStore } from '../../../lib/stores/redis.js'
import { idsOf, inAnHour, indexOf, withEachClient } from '../../support/redis-scene.js'

withEachClient(async (t, { open, admin, take }) => {
  const names = () => take().map(([command, ...words]) => `${command} ${words.filter(word => word.startsWith('sess:')).join(' ')}`)

  await t.test('K-41: every call is exactly one command with one key, whatever the id', async t => {
    const store = open()
    for (const id of ['id', 'a b', 'a\r\n*1\r\n$8\r\nFLUSHALL\r\n', 'a\0', '', '{tag}', '*', '$5']) {
      const key = `sess:id:${id}`
      const deadline = inAnHour()
      await store.create(id, 'warm', deadline)
      await store.replace(id, 'warm', 'warmer', deadline)
      await store.replace(id, 'warmer', 'warm', deadline)
      await store.touch(id, deadline)
      await store.delete(id)
      take()
      await store.create(id, 'payload', deadline)
      const [set, ...others] = take()
      t.same(set?.slice().sort(), ['SET', key, '\npayload', 'PXAT', String(deadline), 'NX'].sort(), 'create')
      t.same(others, [])
      await store.load(id)
      t.same(take(), [['GET', key]], 'load')
      await store.replace(id, 'payload', 'the second', deadline)
      t.same(take(), [['EVALSHA', replaceScript.sha, '1', key, '\npayload', '\nthe second', String(deadline), '1']], 'replace')
      await store.replace(id, 'the second', 'third', deadline)
      t.same(take(), [['EVALSHA', shrinkScript.sha, '1', key, '\nthe second', '\nthird', String(deadline), '1']], 'replace by less')
      await store.touch(id, deadline)
      t.same(take(), [['EVALSHA', touchScript.sha, '1', key, String(deadline)]], 'touch')
      await store.delete(id)
      t.same(names(), [`EVALSHA ${key}`], 'delete')
    }
  })

  await t.test('the index costs a save of an unchanged subject no round trip of its own', async t => {
    const store = open()
    await store.create('indexed', 'first', inAnHour(), 'ann')
    await store.replace('indexed', 'first', 'second', inAnHour(), 'ann')
    take()
    await store.replace('indexed', 'second', 'third', inAnHour(), 'ann')
    t.same(names(), [`EVALSHA ${indexOf('ann')}`, 'EVALSHA sess:id:indexed'], 'the index first')
    await store.replace('indexed', 'third', 'the fourth', inAnHour())
    t.same([...new Set(names().map(name => name.split(' ')[1]))], ['sess:id:indexed', indexOf('ann')], 'when it leaves its subject, the index last')
    await store.replace('indexed', 'the fourth', 'the fifth', inAnHour())
    t.same(names(), ['EVALSHA sess:id:indexed'], 'without a subject')
    await store.load('indexed')
    t.same(names(), ['GET sess:id:indexed'])
  })

  await t.test('a session that changes hands is in the new index before it is the new subject\'s', async t => {
    const store = open()
    const key = 'sess:id:hands'
    await store.create('hands', 'payload', inAnHour(), 'ann')
    take()
    t.equal(await store.replace('hands', 'payload', 'second', inAnHour(), 'bob'), 'replaced')
    const [index, asked, moved, left] = take()
    t.equal(index?.[3], indexOf('bob'))
    t.same([asked?.[3], asked?.at(-1)], [key, '0'], 'refused, since the subject is another')
    t.same([moved?.[3], moved?.at(-1)], [key, '1'], 'sent only after the index was answered')
    t.same(left?.[3], indexOf('ann'), 'and out of the old one at last')
    t.same([await idsOf(store, 'ann'), await idsOf(store, 'bob')], [[], ['hands']])
  })

  await t.test('a server that forgot the scripts is given them again', async t => {
    const store = open()
    await store.create('forgotten', 'first', inAnHour())
    await admin.script('FLUSH')
    take()
    t.equal(await store.replace('forgotten', 'first', 'second', inAnHour()), 'replaced')
    t.same(names(), ['EVALSHA sess:id:forgotten', 'EVAL sess:id:forgotten'])
    t.equal(await store.replace('forgotten', 'second', 'the third', inAnHour()), 'replaced')
    t.same(names(), ['EVALSHA sess:id:forgotten'])
    await admin.script('FLUSH')
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => store.replace('forgotten', 'the third', String(index), inAnHour())))
    t.equal(outcomes.filter(outcome => outcome === 'replaced').length, 1)
  })

  await t.test('an error that is not about scripts is not retried', async t => {
    const store = open()
    await admin.hset('sess:id:hash', 'field', 'value')
    await store.create('warm', 'first', inAnHour())
    await store.replace('warm', 'first', 'the second', inAnHour())
    take()
    await t.rejects(store.replace('hash', 'first', 'the second', inAnHour()), /WRONGTYPE/)
    t.same(names(), ['EVALSHA sess:id:hash'])
    await t.rejects(store.load('hash'), /WRONGTYPE/)
  })

  await t.test('K-42: one prefix neither sees nor changes what is under another', async t => {
    const [ours, theirs] = [open('a:'), open('b:')]
    await admin.set('id', 'of the application')
    await ours.create('id', 'ours', inAnHour(), 'ann')
    await theirs.create('id', 'theirs', inAnHour(), 'ann')
    await ours.delete('id')
    t.equal(await theirs.load('id'), 'theirs')
    t.same([await idsOf(ours, 'ann'), await idsOf(theirs, 'ann')], [[], ['id']])
    t.equal(await admin.get('id'), 'of the application')
  })

  await t.test('a deadline with a fraction is taken, one before 1970 is over', async t => {
    const store = open()
    t.equal(await store.create('fraction', 'first', inAnHour() + 0.5, 'ann'), true)
    t.equal(await store.replace('fraction', 'first', 'second', inAnHour() + 0.25, 'ann'), 'replaced')
    t.equal(await store.touch('fraction', inAnHour() + 0.75), true)
    for (const deadline of [0, -1, -1.5]) {
      t.equal(await store.create('ancient', 'payload', deadline), true)
      t.equal(await store.load('ancient'), null)
    }
    await store.touch('fraction', 0)
    t.equal(await store.load('fraction'), null)
  })

  await t.test('R-14: what another program wrote under our key is a payload like any other, never a crash', async t => {
    const store = open()
    for (const value of ['', 'no tag', '\n', 'x'.repeat(100)]) {
      await admin.set('sess:id:foreign', value)
      t.equal(await store.load('foreign'), value === '\n' ? '' : value)
      t.equal(await store.touch('foreign', inAnHour()), value !== '')
      await store.delete('foreign')
      t.equal(await store.load('foreign'), null)
    }
  })
})

t.test('redisStore refuses at once what cannot work', async t => {
  for (const client of [undefined, null, {}, 'redis://localhost', { get () {}, set () {}, eval () {} }, { get () {}, set () {}, eval () {}, evalsha () {} }]) {
    t.throws(() => redisStore({ client: client as never }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  }
  const client = new Redis({ lazyConnect: true })
  for (const prefix of ['', 'a b', 'a\r\n', 'é', '*', 'x'.repeat(101)]) {
    t.throws(() => redisStore({ client, prefix }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(prefix))
  }
})
