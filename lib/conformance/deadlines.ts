import assert from 'node:assert/strict'
import { assertGone } from './records.js'
import { elapsed, later, newId } from './runner.js'
import type { Runner } from './runner.js'

export function deadlineTests (run: Runner): void {
  expiryTests(run)
  moveTests(run)
  refusedTests(run)
  elapsedTests(run)
  oddTests(run)
}

function expiryTests ({ check }: Runner): void {
  check('a record is there until its deadline and gone after it', async ({ store, granularity, soon, past }) => {
    const [early, late] = [newId(), newId()]
    const deadline = soon()
    await store.create(late, 'payload', later())
    await store.create(early, 'payload', deadline)
    const found = await store.load(early)
    // Only what was answered well before the deadline says something.
    if (Date.now() < deadline - granularity) assert.equal(found, 'payload')
    await past(deadline)
    await assertGone(store, early)
    assert.equal(await store.load(late), 'payload')
  })

  check('an id can be created again after it expired', async ({ store, soon, past }) => {
    const id = newId()
    const deadline = soon()
    await store.create(id, 'first', deadline)
    await past(deadline)
    assert.equal(await store.create(id, 'second', later()), true)
    assert.equal(await store.load(id), 'second')
  })

  check('a deadline weeks or years from now is kept', async ({ store }) => {
    const day = 86_400_000
    for (const days of [29, 31, 40, 400, 3650]) {
      const [created, touched] = [newId(), newId()]
      await store.create(created, 'payload', Date.now() + days * day)
      await store.create(touched, 'payload', later())
      assert.equal(await store.touch(touched, Date.now() + days * day), true)
      for (const id of [created, touched]) assert.equal(await store.load(id), 'payload', `${days} days`)
    }
  })
}

function moveTests ({ check }: Runner): void {
  check('touch and replace move the deadline, in both directions', async ({ store, soon, past }) => {
    const [touchedLater, replacedLater, touchedSooner, replacedSooner] = [newId(), newId(), newId(), newId()]
    await store.create(touchedSooner, 'payload', later())
    await store.create(replacedSooner, 'payload', later())
    const deadline = soon()
    await store.create(touchedLater, 'payload', deadline)
    await store.create(replacedLater, 'payload', deadline)
    const moved = [await store.touch(touchedLater, later()), await store.replace(replacedLater, 'payload', 'second', later())]
    if (Date.now() < deadline) assert.deepEqual(moved, [true, 'replaced'])
    assert.equal(await store.touch(touchedSooner, deadline + 100), true)
    assert.equal(await store.replace(replacedSooner, 'payload', 'second', deadline + 100), 'replaced')
    await past(deadline + 100)
    if (moved[0] === true) assert.equal(await store.load(touchedLater), 'payload')
    if (moved[1] === 'replaced') assert.equal(await store.load(replacedLater), 'second')
    await assertGone(store, touchedSooner)
    await assertGone(store, replacedSooner, 'second')
  })

  check('replace by an equal payload moves the deadline, in both directions: it keeps alive who only reads', async ({ store, soon, past }) => {
    const [prolonged, shortened] = [newId(), newId()]
    await store.create(shortened, 'payload', later())
    const deadline = soon()
    await store.create(prolonged, 'payload', deadline)
    const moved = await store.replace(prolonged, 'payload', 'payload', later())
    if (Date.now() < deadline) assert.equal(moved, 'replaced')
    assert.equal(await store.replace(shortened, 'payload', 'payload', deadline), 'replaced')
    await past(deadline)
    if (moved === 'replaced') assert.equal(await store.load(prolonged), 'payload')
    await assertGone(store, shortened)
  })
}

function refusedTests ({ check }: Runner): void {
  check('a refused replace does not move the deadline', async ({ store, soon, past }) => {
    const id = newId()
    const deadline = soon()
    await store.create(id, 'payload', deadline)
    assert.notEqual(await store.replace(id, 'other', 'second', later()), 'replaced')
    await past(deadline)
    await assertGone(store, id)
  })
}

function elapsedTests ({ check }: Runner): void {
  check('a deadline that has already passed is no error, and ends the record', async ({ store }) => {
    const [created, touched, replaced] = [newId(), newId(), newId()]
    assert.equal(await store.create(created, 'payload', elapsed()), true)
    await assertGone(store, created)
    assert.equal(await store.create(created, 'second', later()), true)
    assert.equal(await store.load(created), 'second')

    await store.create(touched, 'payload', later())
    await store.touch(touched, elapsed())
    await assertGone(store, touched)

    await store.create(replaced, 'payload', later())
    await store.replace(replaced, 'payload', 'second', elapsed())
    await assertGone(store, replaced)
    await assertGone(store, replaced, 'second')
  })
}

function oddTests ({ check }: Runner): void {
  check('a deadline with a fraction is kept, and one at or before the epoch has passed', async ({ store }) => {
    const id = newId()
    await store.create(id, 'payload', later() + 0.5)
    assert.equal(await store.touch(id, later() + 0.25), true)
    assert.equal(await store.replace(id, 'payload', 'second', later() + 0.75), 'replaced')
    assert.equal(await store.load(id), 'second')
    for (const deadline of [0, -0.5, -1, -86_400_000]) {
      const [created, touched] = [newId(), newId()]
      assert.equal(await store.create(created, 'payload', deadline), true)
      await assertGone(store, created)
      await store.create(touched, 'payload', later())
      await store.touch(touched, deadline)
      await assertGone(store, touched)
    }
  })

  for (const deadline of [NaN, Infinity, -Infinity, 9e15, -9e15]) {
    check(`a deadline of ${deadline} is refused, and changes nothing`, async ({ store }) => {
      const [created, kept] = [newId(), newId()]
      await assert.rejects(store.create(created, 'payload', deadline))
      await assertGone(store, created)
      await store.create(kept, 'payload', later())
      await assert.rejects(store.touch(kept, deadline))
      await assert.rejects(store.replace(kept, 'payload', 'second', deadline))
      assert.equal(await store.load(kept), 'payload')
    })
  }
}
