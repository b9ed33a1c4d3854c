import { mock } from 'node:test'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { removeStale, takeLock } from '../../../lib/stores/internal/file/lock.js'
import { busy } from '../../support/busy.js'
import { age, fileOf, filesIn, letPass, lockText, scratch } from '../../support/file-scene.js'
import { onEachStep } from '../../support/file-steps.js'
import { later } from '../../support/store-cases.js'

/** The id of a process that was there and is no more. */
const dead = spawnSync(process.execPath, ['--version']).pid
const other = (digit: string) => digit.repeat(24)
const linux = process.platform === 'linux' ? {} : { skip: 'only Linux tells when a process was started' }

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

t.test('a lock of a dead process is left over', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0 })
  await store.create('id', 'payload', later())
  const lock = `${fileOf(directory, 'id')}.lock`
  writeFileSync(lock, lockText({ pid: dead }))
  t.equal(await store.touch('id', later()), true)
  t.notOk(existsSync(lock))
})

const owners = {
  'another thread of this process': lockText(),
  'a process that is running, on a system that does not tell since when': lockText({ born: '-' }),
  'a process of another host': lockText({ pid: dead, place: 'elsewhere' }),
  'nobody yet': '',
  'another program': 'something else'
}

for (const [who, content] of Object.entries(owners)) {
  t.test(`a lock of ${who} is waited for, not longer than lockTimeout, and is left over when the same one was seen for ten seconds`, async (t) => {
    const directory = scratch(t)
    const store = fileStore({ directory, lockTimeout: 0.05 })
    await store.create('id', 'payload', later())
    const lock = `${fileOf(directory, 'id')}.lock`
    writeFileSync(lock, content)
    age(lock)
    await t.rejects(store.touch('id', later()), { code: 'ELOCKED' })
    letPass(9_000)
    await t.rejects(store.touch('id', later()), { code: 'ELOCKED' })
    t.equal(await store.load('id'), 'payload', 'reading needs no lock')
    letPass(2_000)
    t.equal(await store.touch('id', later()), true)
    t.notOk(existsSync(lock))
  })
}

t.test('another lock at the same place has a time of its own', async (t) => {
  const path = join(scratch(t), 'lock')
  for (const token of [other('a'), other('b')]) {
    writeFileSync(path, lockText({ token }))
    t.equal(await removeStale(path), false)
    letPass(11_000)
  }
  t.equal(await removeStale(path), true)
})

t.test('of many locks that were seen it forgets those seen first, and waits for them anew', async (t) => {
  const directory = scratch(t)
  const paths = Array.from({ length: 1001 }, (_, index) => join(directory, `lock${index}`))
  for (const path of paths) {
    writeFileSync(path, lockText())
    await removeStale(path)
  }
  letPass(11_000)
  t.equal(await removeStale(paths[0]!), false)
  t.equal(await removeStale(paths[1000]!), true)
})

t.test('a clock that is set forth and back neither takes a lock away nor keeps one', async (t) => {
  const directory = scratch(t)
  const [path, elsewhere] = [join(directory, 'lock'), join(directory, 'elsewhere')]
  const lock = await takeLock(path, 0)
  writeFileSync(elsewhere, lockText({ place: 'elsewhere' }))
  t.teardown(() => mock.timers.reset())
  for (const shift of [3_600_000, -3_600_000, 86_400_000]) {
    mock.timers.reset()
    mock.timers.enable({ apis: ['Date'], now: Date.now() + shift })
    t.equal(await removeStale(elsewhere), false)
    t.doesNotThrow(() => lock.assertHeld())
  }
  mock.timers.reset()
  mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 })
  letPass(11_000)
  t.throws(() => lock.assertHeld(), { code: 'ELOCKED' })
  t.equal(await removeStale(elsewhere), true)
})

t.test('many changes of one locked session wait for it together, and none for longer than lockTimeout', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.2 })
  await store.create('id', 'payload', later())
  writeFileSync(`${fileOf(directory, 'id')}.lock`, lockText())
  const start = performance.now()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.touch('id', later())))
  const took = performance.now() - start
  t.ok(took >= 200 && took < 1500 + busy(), `${took} ms, and not 20 times 200 ms`)
  for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: { code: 'ELOCKED' } })
})

t.test('a change waits for slow changes of its own process no longer than lockTimeout, and is not made afterwards', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.1 })
  await store.create('id', 'payload', later())
  let finish = () => {}
  const slow = new Promise<void>((resolve) => { finish = resolve })
  const end = await onEachStep(async (name) => { if (name === 'sync') await slow })
  const first = store.replace('id', 'payload', 'first', later())
  const start = performance.now()
  const rest = await Promise.allSettled([store.replace('id', 'first', 'second', later()), store.touch('id', later()), store.delete('id')])
  const took = performance.now() - start
  t.ok(took >= 90 && took < 1500 + busy(), `${took} ms`)
  for (const outcome of rest) t.match(outcome, { status: 'rejected', reason: { code: 'ELOCKED' } })
  finish()
  t.equal(await first, 'replaced', 'what is under way is not given up')
  end()
  t.equal(await store.replace('id', 'first', 'third', later()), 'replaced')
})

t.test('a lockTimeout of years is no timer of a millisecond', async (t) => {
  const store = fileStore({ directory: scratch(t), lockTimeout: 1e8 })
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.create('id', 'payload', later())))
  t.equal(outcomes.filter(Boolean).length, 1)
})

t.test('another user\'s process counts as running', async (t) => {
  t.intercept(process, 'kill', { value: () => { throw Object.assign(new Error('not yours'), { code: 'EPERM' }) } })
  const path = join(scratch(t), 'lock')
  writeFileSync(path, lockText({ pid: dead }))
  t.equal(await removeStale(path), false)
})

t.test('of twenty that find one dead lock none removes the lock that another then took', async (t) => {
  for (let round = 0; round < 20; round++) {
    const path = join(scratch(t), 'lock')
    writeFileSync(path, lockText({ pid: dead }))
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
  const directory = scratch(t)
  const path = join(directory, 'lock')
  writeFileSync(path, lockText({ pid: dead }))
  const claim = `${path}.0123456789abcdef01234567.claim`
  writeFileSync(claim, lockText({ token: other('a') }))
  t.equal(await removeStale(path), false)
  t.ok(existsSync(path))
  writeFileSync(claim, lockText({ pid: dead, token: other('a') }))
  // Its remover may have died as well.
  writeFileSync(`${path}.${other('a')}.claim`, lockText({ pid: dead, token: other('b') }))
  t.equal(await removeStale(path), true, 'the claim to the claim is removed')
  t.same(filesIn(directory).sort(), [path, claim].sort())
  t.equal(await removeStale(path), true, 'then the claim')
  t.equal(await removeStale(path), true, 'then the lock')
  t.same(filesIn(directory), [])
})

t.test('a process that slept while it removed a lock leaves it, because another may have taken it', async (t) => {
  const path = join(scratch(t), 'lock')
  writeFileSync(path, lockText({ pid: dead }))
  let linked = false
  const end = await onEachStep((name) => {
    if (linked && name === 'readFile') letPass(6_000)
    if (name === 'link') linked = true
  })
  await t.rejects(removeStale(path), { code: 'ELOCKED' }).finally(end)
  t.ok(existsSync(path))
})

t.test('a lock that was taken anew while the claim to the old one was made is left to its owner', async (t) => {
  const path = join(scratch(t), 'lock')
  writeFileSync(path, lockText({ pid: dead }))
  const taken = lockText({ token: other('f') })
  const end = await onEachStep((name) => { if (name === 'link') writeFileSync(path, taken) })
  await removeStale(path).finally(end)
  t.equal(readFileSync(path, 'utf8'), taken)
})

t.test('a process that slept for long neither writes nor removes the lock of another', async (t) => {
  const path = join(scratch(t), 'lock')
  const lock = await takeLock(path, 0)
  t.doesNotThrow(() => lock.assertHeld())
  letPass(60_000)
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
  let locked = false
  const end = await onEachStep((name) => {
    // The second reading of the session, under the lock, is the first file opened after it was linked.
    if (locked && name === 'open') {
      locked = false
      letPass(6_000)
    }
    if (name === 'link') locked = true
  })
  await t.rejects(store.sweep(), { code: 'ELOCKED' }).finally(end)
  t.ok(existsSync(session))
  t.equal(await store.sweep(), 1)
})

t.test('a process that slept for long removes its own lock, if it is still there', async (t) => {
  const directory = scratch(t)
  const path = join(directory, 'lock')
  const lock = await takeLock(path, 0)
  letPass(60_000)
  t.equal(await removeStale(path), false, 'it may still be at work')
  await lock.release()
  t.same(filesIn(directory), [])
})

t.test('a process takes over its own lock that could not be removed, at once', async (t) => {
  const path = join(scratch(t), 'lock')
  const lock = await takeLock(path, 0)
  const end = await onEachStep((name) => { if (name === 'rm') throw new Error('a fault of the disk') })
  await lock.release().finally(end)
  t.ok(existsSync(path))
  await (await takeLock(path, 0)).release()
  t.notOk(existsSync(path))
})

t.test('a lock of a process that is alive is never left over; when it is dead the lock is, at once', linux, async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.02 })
  await store.create('id', 'payload', later())
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'])
  t.teardown(() => child.kill('SIGKILL'))
  const born = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[21]
  const lock = `${fileOf(directory, 'id')}.lock`
  writeFileSync(lock, lockText({ pid: child.pid!, born: born! }))
  for (let hour = 0; hour < 3; hour++) {
    await t.rejects(store.touch('id', later()), { code: 'ELOCKED' })
    await store.sweep()
    letPass(3_600_000)
  }
  t.ok(existsSync(lock))
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(await store.touch('id', later()), true)
})

t.test('a lock of a process id that has been given to another process is left over at once', linux, async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.02 })
  await store.create('id', 'payload', later())
  writeFileSync(`${fileOf(directory, 'id')}.lock`, lockText({ pid: process.ppid, born: '1' }))
  t.equal(await store.touch('id', later()), true)
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
  writeFileSync(fresh[1]!, lockText())
  await store.sweep()
  t.same(filesIn(directory).sort(), [session, ...fresh].sort())
  writeFileSync(`${session}.lock.0123456789abcdef.claim`, '')
  for (const path of filesIn(directory)) age(path)
  await store.sweep()
  t.same(filesIn(directory).sort(), [session, fresh[1]!, `${session}.lock.0123456789abcdef.claim`].sort(), 'who made those may be at work')
  letPass(11_000)
  await store.sweep()
  await store.sweep()
  t.same(filesIn(directory), [session])
  t.equal(await store.load('id'), 'payload')
  rmSync(session)
})
