import assert from 'node:assert/strict'
import { delays } from './moments.js'
import { later, newId, twentyAtATime } from './runner.js'
import type { Runner, Scene } from './runner.js'

/** More than one batch. */
const many = 1200
/** Milliseconds: as long as the plugin waits for an answer, unless it is told otherwise. */
const longest = 2000

export function sweepTests (run: Runner): void {
  if (!run.has('sweep')) return
  countTests(run)
  batchTests(run)
}

function countTests ({ check }: Runner): void {
  check('sweep removes what is past its deadline, nothing else, and tells how many', async ({ store, granularity, soon, past }) => {
    const live = Array.from({ length: 5 }, newId)
    const dead = Array.from({ length: 25 }, newId)
    for (const id of live) await store.create(id, 'payload', later(), 'ann')
    const deadline = soon()
    for (const id of dead) await store.create(id, 'payload', deadline, 'ann')
    await past(deadline)
    const brief = newId()
    const end = Date.now() + 800 + 2 * granularity
    await store.create(brief, 'payload', end)
    const removed = [await store.sweep!(), await store.sweep!()]
    const found = await store.load(brief)
    // On a machine that stood still meanwhile this one is over, too.
    if (Date.now() < end - granularity) assert.deepEqual({ removed, found }, { removed: [dead.length, 0], found: 'payload' })
    for (const id of live) assert.equal(await store.load(id), 'payload')
    for (const id of dead) assert.equal(await store.load(id), null)
  })

  check('parallel sweeps count each record once, and do not fail', async (scene) => {
    const { store } = scene
    const dead = await expired(scene, 100)
    const counts = await Promise.all([store.sweep!(), store.sweep!(), store.sweep!()])
    // One sweep may pass over records that another is removing, and end first.
    assert.equal(counts.reduce((sum, count) => sum + count, await store.sweep!()), dead.length)
  })

  check('a sweep lets records be created meanwhile, and leaves them', async (scene) => {
    const { store } = scene
    const reborn = await expired(scene, delays.length)
    const sweeping = Promise.all([store.sweep!(), store.sweep!()])
    const creating = Promise.all(reborn.map((id, at) => delays[at]!(() => store.create(id, 'second', later()))))
    const [created] = await Promise.all([creating, sweeping])
    assert.deepEqual(created, reborn.map(() => true))
    for (const id of reborn) assert.equal(await store.load(id), 'second')
    assert.equal(await store.sweep!(), 0)
  })
}

function batchTests ({ check }: Runner): void {
  check(`sweep removes ${many} records in bounded batches: others have their turn before it is done, and soon`, async (scene) => {
    const { store } = scene
    const live = newId()
    await store.create(live, 'payload', later())
    await expired(scene, many)
    const sweep = { since: performance.now(), isDone: false }
    const sweeping = store.sweep!().finally(() => { sweep.isDone = true })
    let hadTurn = false
    setImmediate(() => { hadTurn = !sweep.isDone })
    const [removed, answered] = await Promise.all([sweeping, answersDuring(store, live, sweep)])
    assert.equal(removed, many)
    assert.ok(answered > 0 || hadTurn, 'nobody had a turn before the sweep was done')
    assert.equal(await store.sweep!(), 0)
    assert.equal(await store.load(live), 'payload')
  })
}

/** Makes records, waits until all are past their deadlines, and gives their ids. */
async function expired ({ store, soon, past }: Scene, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId)
  let deadline = 0
  await twentyAtATime(ids, (id) => {
    // Each has its own: a deadline that passes before the record is made may leave nothing to sweep.
    deadline = soon()
    return store.create(id, 'payload', deadline)
  })
  await past(deadline)
  return ids
}

/** Reads and writes a live record until the sweep is done, and tells how often there was an answer before. */
async function answersDuring (store: Scene['store'], id: string, sweep: { readonly since: number, readonly isDone: boolean }): Promise<number> {
  let answered = 0
  let start = sweep.since
  for (const call of cycle([() => store.load(id), () => store.touch(id, later())])) {
    const answer = await call()
    const took = performance.now() - start
    assert.ok(answer === 'payload' || answer === true, 'a live record')
    assert.ok(took < longest, `an answer took ${Math.round(took)} ms`)
    if (sweep.isDone) break
    answered++
    start = performance.now()
    // Calls that need no other turn of the event loop would leave none to the sweep.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return answered
}

function * cycle<T> (values: readonly T[]): Generator<T> {
  for (;;) yield * values
}
