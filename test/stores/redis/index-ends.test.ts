import { httpApp, stopClock } from '../../support/http-scene.js'
import { idsOf, inAnHour, indexOf, withEachClient } from '../../support/redis-scene.js'

withEachClient(async (t, { open, admin }) => {
  const entries = async (subject: string, prefix: string) => (await admin.zrange(indexOf(subject, prefix), '0', '-1')).sort()

  await t.test('a replace takes the id out of the index of a subject that it leaves', async t => {
    const [store, prefix] = [open('left:'), 'left:']
    await store.create('moves', 'first', inAnHour(), 'ann')
    await store.create('ends', 'first', inAnHour(), 'ann')
    await store.create('stays', 'first', inAnHour(), 'ann')
    t.equal(await store.replace('moves', 'first', 'second', inAnHour(), 'bob'), 'replaced')
    t.equal(await store.replace('ends', 'first', 'second', inAnHour()), 'replaced')
    t.equal(await store.replace('stays', 'first', 'second', inAnHour(), 'ann'), 'replaced')
    t.strictSame([await entries('ann', prefix), await entries('bob', prefix)], [['stays'], ['moves']])
    t.equal(await store.replace('moves', 'second', 'third', inAnHour()), 'replaced')
    t.strictSame(await entries('bob', prefix), [])
    t.equal(await store.replace('moves', 'third', 'fourth', inAnHour(), 'ann'), 'replaced')
    t.strictSame(await idsOf(store, 'ann'), ['moves', 'stays'])
  })

  await t.test('a replace that was refused leaves an entry only where one has to be', async t => {
    const [store, prefix] = [open('refused:'), 'refused:']
    await store.create('hers', 'first', inAnHour(), 'ann')
    await store.create('his', 'first', inAnHour(), 'bob')
    await store.create('nobodys', 'first', inAnHour())
    for (const id of ['hers', 'his', 'nobodys']) t.equal(await store.replace(id, 'other', 'second', inAnHour(), 'ann'), 'conflict', id)
    t.equal(await store.replace('gone', 'first', 'second', inAnHour(), 'ann'), 'missing')
    t.strictSame([await entries('ann', prefix), await entries('bob', prefix)], [['hers'], ['his']])
    t.equal(await store.replace('his', 'other', 'second', inAnHour()), 'conflict')
    t.strictSame(await entries('bob', prefix), ['his'])
  })

  await t.test('an index that cannot be cleaned up does not stop a session from leaving its subject', async t => {
    const store = open('stuck:')
    await store.create('id', 'payload', inAnHour(), 'ann')
    await admin.set(indexOf('ann', 'stuck:'), 'not an index')
    t.equal(await store.replace('id', 'payload', 'second', inAnHour()), 'replaced')
    t.equal(await store.load('id'), 'second')
  })

  await t.test('over HTTP: the index has a subject\'s live sessions, and none that have ended or moved', async t => {
    const tick = stopClock(t)
    const { run, newClient, handle, app, keys } = await httpApp(t, open('http:'), { subject: 'userId', rotateEvery: 60 })
    const indexed = async () => {
      const [index, ...others] = await admin.keys('http:subject:*')
      t.strictSame(others, [])
      return index === undefined ? 0 : await admin.zcard(index)
    }
    for (let visit = 0; visit < 5; visit++) {
      const client = newClient()
      await run((session) => { session.userId = 'ann' }, client)
      t.equal(await indexed(), 1)
      await run((session) => session.destroy(), client)
      t.equal(await indexed(), 0, 'a sign-out')
    }
    const client = newClient()
    await run((session) => { session.userId = 'ann' }, client)
    for (let turn = 0; turn < 5; turn++) await run((session) => session.rotate(), client)
    t.equal(await indexed(), 1, 'rotations')
    const before = keys().length
    for (let turn = 0; turn < 5; turn++) {
      tick(61_000)
      // The losers of the rotation save the old id's record, or nothing.
      await Promise.all([0, 1, 2, 3].map((by) => run((session) => { session.note = `${turn}.${by}` }, client)))
    }
    t.ok(keys().length >= before + 5, 'it has rotated')
    t.equal(await indexed(), 1, 'periodic rotations under parallel requests')
    await run((session) => { delete session.userId }, client)
    t.equal(await indexed(), 0, 'nobody\'s any more')
    await run((session) => { session.userId = 'ann' }, client)
    t.equal(await handle.sessions(app).destroyAll('ann'), 1)
    t.equal(await indexed(), 0, 'destroyAll')
  })
})
