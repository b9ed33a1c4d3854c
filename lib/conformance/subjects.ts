import assert from 'node:assert/strict'
import { hostile } from './ids.js'
import { elapsed, later, newId, twentyAtATime } from './runner.js'
import type { Runner, Scene } from './runner.js'
import type { StoredRecord } from '../../types/store.js'

/** More than one page, and than the thousand at which many an engine stops. */
const many = 1100

/** Of others, beside whom a subject is looked for. */
const strangers = 1000
/** Milliseconds. However many there are, nobody waits for a search that is done by then. */
const soonEnough = 5

export function subjectTests (run: Runner): void {
  if (!run.has('findBySubject')) return
  findTests(run)
  followTests(run)
  expiryTests(run)
  refusedTests(run)
  manyTests(run)
}

function findTests ({ check }: Runner): void {
  check('findBySubject gives id, payload and deadline of each live record of a subject, and of no other', async ({ store, granularity }) => {
    const [first, second, other] = [newId(), newId(), newId()]
    const deadline = later()
    await store.create(first, '1', deadline, 'ann')
    await store.create(second, '2', deadline, 'ann')
    await store.create(other, '3', deadline, 'bob')
    await store.create(newId(), '4', deadline)
    await store.create(newId(), '5', elapsed(), 'ann')
    const found = await find(store, 'ann')
    assert.deepEqual(found.map(({ id }) => id).sort(), [first, second].sort())
    assert.deepEqual(found.map(({ payload }) => payload).sort(), ['1', '2'])
    assertDeadline(found, deadline, granularity)
    assert.deepEqual(await ids(store, 'bob'), [other])
    assert.deepEqual(await ids(store, 'nobody'), [])
    assert.deepEqual(await ids(store, '').catch(() => []), [], 'a record without a subject is not that of the empty one')
  })

  check('findBySubject tells subjects apart to the character, whatever they hold', async ({ store }) => {
    await store.create(newId(), 'neighbour', later(), 'neighbour')
    const kept = new Map<string, string>()
    for (const subject of hostile) {
      const id = newId()
      const created = await store.create(id, 'payload', later(), subject).catch(() => 'refused')
      assert.notEqual(created, false)
      if (created === true) kept.set(subject, id)
    }
    for (const subject of hostile) {
      const found = await ids(store, subject).catch(() => [])
      assert.deepEqual(found, kept.has(subject) ? [kept.get(subject)] : [], JSON.stringify(subject).slice(0, 40))
    }
  })
}

function followTests ({ check }: Runner): void {
  check('findBySubject follows replace, touch and delete', async ({ store, granularity }) => {
    const id = newId()
    await store.create(id, 'first', later(), 'ann')
    assert.equal(await store.replace(id, 'other', 'second', later(), 'bob'), 'conflict')
    assert.deepEqual(await ids(store, 'bob'), [])
    await store.replace(id, 'first', 'second', later(), 'bob')
    assert.deepEqual(await ids(store, 'ann'), [])
    assert.deepEqual((await find(store, 'bob')).map(({ payload }) => payload), ['second'])
    const deadline = later() + 60_000
    await store.touch(id, deadline)
    const touched = await find(store, 'bob')
    assert.deepEqual(touched.map(({ id }) => id), [id])
    assertDeadline(touched, deadline, granularity)
    await store.replace(id, 'second', 'third', later())
    assert.deepEqual(await ids(store, 'bob'), [], 'a replace without a subject')
    await store.replace(id, 'third', 'fourth', later(), 'ann')
    assert.deepEqual(await ids(store, 'ann'), [id])
    await store.delete(id)
    assert.deepEqual(await ids(store, 'ann'), [])
  })

  check('findBySubject follows a replace by an equal payload', async ({ store, granularity }) => {
    const id = newId()
    await store.create(id, 'payload', later(), 'ann')
    const deadline = later() + 60_000
    assert.equal(await store.replace(id, 'payload', 'payload', deadline, 'bob'), 'replaced')
    assert.deepEqual(await ids(store, 'ann'), [])
    const found = await find(store, 'bob')
    assert.deepEqual(found.map(({ id, payload }) => ({ id, payload })), [{ id, payload: 'payload' }])
    assertDeadline(found, deadline, granularity)
  })
}

function expiryTests ({ check }: Runner): void {
  check('findBySubject loses what expired and keeps what was touched or replaced by an equal payload', async ({ store, soon, past }) => {
    const [expires, stays, rewritten, anew, nobodys] = [newId(), newId(), newId(), newId(), newId()]
    const deadline = soon()
    for (const id of [expires, stays, rewritten, anew, nobodys]) await store.create(id, 'payload', deadline, 'ann')
    const touched = await store.touch(stays, later())
    const moved = await store.replace(rewritten, 'payload', 'payload', later(), 'cy')
    await past(deadline)
    await store.create(anew, 'payload', later(), 'bob')
    await store.create(nobodys, 'payload', later())
    assert.deepEqual(await ids(store, 'ann'), [stays].filter(() => touched))
    assert.deepEqual(await ids(store, 'cy'), [rewritten].filter(() => moved === 'replaced'))
    assert.deepEqual(await ids(store, 'bob'), [anew])
  })
}

function refusedTests ({ check }: Runner): void {
  const refused = {
    create: async (store: Scene['store'], id: string, deadline: number) => assert.equal(await store.create(id, 'lost', deadline, 'ann'), false),
    replace: async (store: Scene['store'], id: string, deadline: number) => assert.equal(await store.replace(id, 'wrong', 'lost', deadline, 'ann'), 'conflict')
  }
  for (const [name, refuse] of Object.entries(refused)) {
    check(`a refused ${name} leaves the record findable past the refused deadline`, async ({ store, granularity, past }) => {
      const id = newId()
      await store.create(id, 'payload', later(), 'ann')
      await refuse(store, id, elapsed())
      assert.deepEqual(await ids(store, 'ann'), [id], 'a deadline that had passed')
      // Nearer than `soon`, since nothing has to be seen alive before it.
      const lifetime = Math.max(100, granularity)
      const deadline = Date.now() + lifetime
      await refuse(store, id, deadline)
      // An index may keep what it was told for longer than the record, before it shows that it was wrong.
      await past(deadline + lifetime)
      assert.deepEqual(await ids(store, 'ann'), [id])
    })
  }
}

function manyTests ({ check }: Runner): void {
  check(`findBySubject finds ${many} records once each, also while they are being deleted`, async ({ store }) => {
    const made = Array.from({ length: many }, newId)
    await twentyAtATime(made, (id) => store.create(id, 'payload', later(), 'ann'))
    assert.deepEqual(await ids(store, 'ann'), [...made].sort())
    for await (const { id } of store.findBySubject!('ann')) await store.delete(id)
    assert.deepEqual(await ids(store, 'ann'), [])
  })

  check(`findBySubject finds one record beside ${strangers} of others sooner than those can be read`, async ({ store }) => {
    const [own, ...others] = Array.from({ length: strangers + 1 }, newId)
    await store.create(own!, 'payload', later(), 'ann')
    await twentyAtATime(others, (id, index) => store.create(id, 'payload', later(), index % 2 === 0 ? id : undefined))
    // The fastest of some rounds, in turns: what a busy machine slows down, it slows down for both.
    let [found, read] = [Infinity, Infinity]
    for (let round = 0; round < 10 && (round === 0 || found > Math.max(soonEnough, read / 4)); round++) {
      found = Math.min(found, await time(async () => assert.deepEqual(await ids(store, 'ann'), [own])))
      read = Math.min(read, await time(() => twentyAtATime(others, (id) => store.load(id))))
    }
    assert.ok(found <= Math.max(soonEnough, read / 4), `${found} ms, and ${read} ms for those of all others: does it read them all?`)
  })

  check('findBySubject finds a record all the while it is replaced', async ({ store }) => {
    const id = newId()
    await store.create(id, '0', later(), 'ann')
    const rewrite = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        assert.equal(await store.replace(id, String(round), String(round + 1), later(), 'ann'), 'replaced')
      }
    }
    const look = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) assert.deepEqual(await ids(store, 'ann'), [id])
    }
    await Promise.all([rewrite(), look()])
  })
}

async function time (task: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}

/** As exactly as the store keeps one. */
function assertDeadline (found: readonly StoredRecord[], deadline: number, granularity: number): void {
  for (const { expiresAt } of found) assert.ok(Math.abs(expiresAt - deadline) <= granularity, `${expiresAt} for a deadline of ${deadline}`)
}

async function find (store: Scene['store'], subject: string): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const record of store.findBySubject!(subject)) found.push(record)
  return found
}

const ids = async (store: Scene['store'], subject: string): Promise<string[]> =>
  (await find(store, subject)).map(({ id }) => id).sort()
