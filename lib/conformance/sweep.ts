import assert from 'node:assert/strict'
import { later, newId } from './runner.js'
import type { Runner } from './runner.js'

export function sweepTests ({ check, has }: Runner): void {
  if (!has('sweep')) return

  check('sweep removes what is past its deadline, nothing else, and tells how many', async ({ store, soon, past }) => {
    const live = Array.from({ length: 5 }, newId)
    const dead = Array.from({ length: 25 }, newId)
    for (const id of live) await store.create(id, 'payload', later(), 'ann')
    const deadline = soon()
    for (const id of dead) await store.create(id, 'payload', deadline, 'ann')
    await past(deadline)
    assert.equal(await store.sweep!(), dead.length)
    assert.equal(await store.sweep!(), 0)
    for (const id of live) assert.equal(await store.load(id), 'payload')
    for (const id of dead) assert.equal(await store.load(id), null)
  })

  check('parallel sweeps count each record once, and let a record be created meanwhile', async ({ store, soon, past }) => {
    const dead = Array.from({ length: 10 }, newId)
    const deadline = soon()
    for (const id of dead) await store.create(id, 'payload', deadline)
    await past(deadline)
    const reborn = dead[0]!
    const [created, ...counts] = await Promise.all([
      store.create(reborn, 'second', later()), store.sweep!(), store.sweep!(), store.sweep!()
    ])
    const removed = counts.reduce((sum, count) => sum + count, 0)
    assert.equal(created, true)
    assert.ok(removed === dead.length || removed === dead.length - 1, `${removed} removed`)
    assert.equal(await store.load(reborn), 'second')
  })
}
