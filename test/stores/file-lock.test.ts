import { mock } from 'node:test'
import { hostname } from 'node:os'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../lib/stores/file.js'
import { removeStale, takeLock } from '../../lib/stores/file/lock.js'
import { age, fileOf, filesIn, scratch } from '../support/file-scene.js'
import { onEachStep } from '../support/file-steps.js'
import { later } from '../support/store-cases.js'

/** The id of a process that was there and is no more. */
const dead = spawnSync(process.execPath, ['--version']).pid
const ownedBy = (pid: number, host = hostname()) => `${pid} ${host} 0123456789abcdef`

t.test('a lock is taken by one at a time, and waited for', async (t) => {
  const path = join(scratch(t), 'lock')
  let [inside, most] = [0, 0]
  await Promise.all(Array.from({ length: 20 }, async () => {
    const lock = await takeLock(path, performance.now() + 10_000)
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
    await lock.release()
  }))
  t.equal(most, 1)
  t.notOk(existsSync(path))
})

const owners: Array<[who: string, content: string, old: boolean, free: boolean]> = [
  ['this process', ownedBy(process.pid), false, false],
  ['a process of another user', ownedBy(1), false, false],
  ['a process of another host', ownedBy(dead, 'elsewhere'), false, false],
  ['nobody yet', '', false, false],
  ['a dead process', ownedBy(dead), false, true],
  ['a process that has the id of a dead one, long ago', ownedBy(process.pid), true, true],
  ['a process of another host, long ago', ownedBy(dead, 'elsewhere'), true, true],
  ['nobody, long ago', '', true, true],
  ['another program, long ago', 'something else', true, true]
]

for (const [who, content, old, free] of owners) {
  t.test(`a lock of ${who} ${free ? 'is left over' : 'is waited for, and not longer than lockTimeout'}`, async (t) => {
    const directory = scratch(t)
    const store = fileStore({ directory, lockTimeout: 0.05 })
    await store.create('id', 'payload', later())
    const lock = `${fileOf(directory, 'id')}.lock`
    writeFileSync(lock, content)
    if (old) age(lock)
    if (free) t.equal(await store.touch('id', later()), true)
    else await t.rejects(store.touch('id', later()), { code: 'ELOCKED' })
    t.equal(existsSync(lock), !free)
    t.equal(await store.load('id'), 'payload', 'reading needs no lock')
  })
}

t.test('many changes of one locked session wait for it together, and none for longer than lockTimeout', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.2 })
  await store.create('id', 'payload', later())
  writeFileSync(`${fileOf(directory, 'id')}.lock`, ownedBy(process.pid))
  const start = performance.now()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.touch('id', later())))
  const took = performance.now() - start
  t.ok(took >= 200 && took < 2000, `${took} ms, and not 20 times 200 ms`)
  for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: { code: 'ELOCKED' } })
})

t.test('another user\'s process counts as running', async (t) => {
  t.intercept(process, 'kill', { value: () => { throw Object.assign(new Error('not yours'), { code: 'EPERM' }) } })
  const path = join(scratch(t), 'lock')
  writeFileSync(path, ownedBy(dead))
  t.equal(await removeStale(path), false)
})

t.test('of twenty that find one dead lock none removes the lock that another then took', async (t) => {
  for (let round = 0; round < 20; round++) {
    const path = join(scratch(t), 'lock')
    writeFileSync(path, ownedBy(dead))
    let [inside, most] = [0, 0]
    await Promise.all(Array.from({ length: 20 }, async () => {
      const lock = await takeLock(path, performance.now() + 10_000)
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
      await lock.release()
    }))
    if (most !== 1) t.fail(`${most} at once`)
  }
  t.pass()
})

t.test('a claim to remove a lock is respected, until it is left over itself', async (t) => {
  const path = join(scratch(t), 'lock')
  writeFileSync(path, ownedBy(dead))
  const claim = `${path}.0123456789abcdef.claim`
  writeFileSync(claim, '')
  t.equal(await removeStale(path), false)
  t.ok(existsSync(path))
  age(claim)
  t.equal(await removeStale(path), true, 'the claim is removed')
  t.equal(await removeStale(path), true, 'then the lock')
  t.notOk(existsSync(path))
  t.notOk(existsSync(claim))
})

t.test('a lock that was taken anew while the claim to the old one was made is left to its owner', async (t) => {
  const path = join(scratch(t), 'lock')
  writeFileSync(path, ownedBy(dead))
  const taken = ownedBy(process.pid).replace('0123', 'ffff')
  const end = await onEachStep((name) => { if (name === 'open') writeFileSync(path, taken) })
  await removeStale(path).finally(end)
  t.equal(readFileSync(path, 'utf8'), taken)
})

t.test('a process that slept for long neither writes nor removes the lock of another', async (t) => {
  const path = join(scratch(t), 'lock')
  const lock = await takeLock(path, 0)
  t.doesNotThrow(() => lock.assertHeld())
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 })
  t.teardown(() => mock.timers.reset())
  t.throws(() => lock.assertHeld(), { code: 'ELOCKED' })
  writeFileSync(path, 'of another')
  await lock.release()
  t.equal(readFileSync(path, 'utf8'), 'of another')
})

t.test('a sweep that slept for long removes nothing that another process may have made anew', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', Date.now() + 1)
  await new Promise((resolve) => setTimeout(resolve, 5))
  const session = fileOf(directory, 'id')
  t.teardown(() => mock.timers.reset())
  let locked = false
  const end = await onEachStep((name) => {
    // The second reading of the session, under the lock, is the first file opened after it was linked.
    if (locked && name === 'open') {
      locked = false
      mock.timers.enable({ apis: ['Date'], now: Date.now() + 6_000 })
    }
    if (name === 'link') locked = true
  })
  await t.rejects(store.sweep(), { code: 'ELOCKED' }).finally(end)
  t.ok(existsSync(session))
  mock.timers.reset()
  rmSync(`${session}.lock`)
  t.equal(await store.sweep(), 1)
})

t.test('on Windows a lock that is about to vanish is one that is there', async (t) => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!
  t.teardown(() => Object.defineProperty(process, 'platform', platform))
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' })
  const path = join(scratch(t), 'lock')
  const lock = await takeLock(path, 0)
  await t.rejects(takeLock(path, 0), { code: 'ELOCKED' })
  await lock.release()
})

t.test('sweep removes left over locks, temporary files and claims, and no others', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const session = fileOf(directory, 'id')
  const fresh = [`${session}.0123456789abcdef.tmp`, `${session}.lock`]
  writeFileSync(fresh[0]!, 'x')
  writeFileSync(fresh[1]!, ownedBy(process.pid))
  await store.sweep()
  t.same(filesIn(directory).sort(), [session, ...fresh].sort())
  writeFileSync(`${session}.lock.0123456789abcdef.claim`, '')
  for (const path of filesIn(directory)) age(path)
  await store.sweep()
  await store.sweep()
  t.same(filesIn(directory), [session])
  t.equal(await store.load('id'), 'payload')
  rmSync(session)
})
