import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { buildApp } from '../../support/app.js'
import { filesIn, scratch } from '../../support/file-scene.js'
import { onEachStep } from '../../support/file-steps.js'
import { collect, later } from '../../support/store-cases.js'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const entryOf = (directory: string, subject: string, id: string) => join(directory, 'subjects', hash(subject).slice(0, 2), hash(subject), hash(id))
const entries = (directory: string) => filesIn(directory).filter((path) => path.startsWith(join(directory, 'subjects'))).sort()

t.test('finding a subject costs as many steps beside hundreds of strangers as it does alone', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  const steps = async () => {
    let count = 0
    const stop = await onEachStep(() => { count++ })
    t.strictSame((await collect(store, 'ann')).map(({ id }) => id), ['hers'])
    stop()
    return count
  }
  await store.create('hers', 'payload', later(), 'ann')
  const alone = await steps()
  for (let number = 0; number < 300; number++) await store.create(`id ${number}`, 'payload', later(), number % 2 === 0 ? `subject ${number}` : undefined)
  t.equal(await steps(), alone)
})

t.test('strangers do not keep a user from being signed out everywhere', async (t) => {
  const store = fileStore({ directory: scratch(t) })
  for (let number = 0; number < 100; number++) await store.create(`id ${number}`, 'payload', later())
  const { app, client, newClient } = await buildApp(t, { backend: 'memory', store, subject: 'userId' })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/who', async ({ session }) => session.userId ?? 'nobody')
  await client.get('/login')
  await newClient().get('/login')
  t.equal(await app.sessions.destroyAll('ann'), 2)
  t.equal((await client.get('/who')).payload, 'nobody')
})

t.test('the index follows whose a session is, and keeps nothing of what has gone', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'first', later(), 'ann')
  t.strictSame(entries(directory), [entryOf(directory, 'ann', 'id')])
  await store.replace('id', 'first', 'second', later(), 'bob')
  t.strictSame(entries(directory), [entryOf(directory, 'bob', 'id')])
  await store.touch('id', later())
  t.strictSame(entries(directory), [entryOf(directory, 'bob', 'id')])
  await store.replace('id', 'second', 'third', later())
  t.strictSame(entries(directory), [])
  await store.replace('id', 'third', 'fourth', later(), 'ann')
  await store.delete('id')
  t.strictSame(filesIn(directory), [])
  await store.create('id', 'first', later(), 'ann')
  t.equal(await store.replace('id', 'first', 'ended', 0), 'replaced')
  t.strictSame(filesIn(directory), [], 'an end leaves nothing')
})

t.test('what has expired takes its entry along, by a sweep or by whoever has the id next', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  const soon = Date.now() + 50
  await store.create('swept', 'payload', soon, 'ann')
  await store.create('taken', 'payload', soon, 'ann')
  while (Date.now() <= soon) await new Promise((resolve) => setTimeout(resolve, 5))
  await store.create('taken', 'anew', later(), 'bob')
  t.equal(await store.sweep(), 1)
  t.strictSame(entries(directory), [entryOf(directory, 'bob', 'taken')])
})

t.test('an entry that names no session is passed over, and swept, but not while its session is being made', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('hers', 'payload', later(), 'ann')
  writeFileSync(entryOf(directory, 'ann', 'gone'), '')
  await store.create('made', 'payload', later(), 'bob')
  writeFileSync(entryOf(directory, 'ann', 'made'), '')
  t.strictSame((await collect(store, 'ann')).map(({ id }) => id), ['hers'])
  await store.sweep()
  t.strictSame(entries(directory), [entryOf(directory, 'ann', 'hers'), entryOf(directory, 'ann', 'made'), entryOf(directory, 'bob', 'made')].sort(), 'one that names somebody else\'s goes with that')

  let sweeping: Promise<number> | undefined
  const stop = await onEachStep((name) => {
    // The entry is there, the file is not.
    if (name === 'rename') sweeping ??= store.sweep()
  })
  await store.create('new', 'payload', later(), 'cy')
  stop()
  await sweeping
  t.strictSame((await collect(store, 'cy')).map(({ id }) => id), ['new'])
})

t.test('a directory of a subject that goes, as it is empty, while an entry is made in it is made again', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  const subjects = dirname(entryOf(directory, 'ann', 'id'))
  let gone = 0
  const stop = await onEachStep((name) => {
    if (name === 'open' && gone < 3) {
      rmSync(subjects, { recursive: true, force: true })
      gone++
    }
  })
  await store.create('id', 'payload', later(), 'ann')
  stop()
  t.strictSame((await collect(store, 'ann')).map(({ id }) => id), ['id'])
})

t.test('what is no entry is left alone, and a lost volume is a failure', async (t) => {
  const directory = join(scratch(t), 'lost')
  const store = fileStore({ directory })
  t.strictSame(await collect(store, 'ann'), [])
  mkdirSync(join(directory, 'subjects', 'ab'), { recursive: true })
  writeFileSync(join(directory, 'subjects', 'ab', 'readme'), '')
  await store.sweep()
  t.strictSame(entries(directory), [join(directory, 'subjects', 'ab', 'readme')])
  rmSync(directory, { recursive: true })
  await t.rejects(collect(store, 'ann'), { code: 'ENOENT' })
})
