import assert from 'node:assert/strict'
import { elapsed, later, newId } from './runner.js'
import type { Runner } from './runner.js'
import type { SessionStore } from '../../types/store.js'

export function recordTests (run: Runner): void {
  declaredTests(run)
  createTests(run)
  replaceTests(run)
  touchTests(run)
  deleteTests(run)
}

function declaredTests ({ check, without }: Runner): void {
  check('a store has and promises everything that it was not declared to be without', async ({ store }) => {
    for (const member of ['findBySubject', 'sweep'] as const) {
      assert.equal(typeof store[member], without.includes(member) ? 'undefined' : 'function', member)
    }
    assert.equal(store.atomic ?? true, !without.includes('atomic'), 'atomic')
  })

  check('a store that says `immediate` answers each call at once, never by a promise', async ({ store }) => {
    const id = newId()
    assert.equal(await store.create(id, 'payload', later()), true)
    assert.equal(await store.load(id), 'payload')
    assert.equal(await store.replace(id, 'payload', 'second', later()), 'replaced')
    assert.equal(await store.touch(id, later()), true)
    await store.delete(id)
    assert.equal(await store.load(id), null)
  })

  check('closing a store twice is no error', async ({ store }) => {
    await store.create(newId(), 'payload', later())
    await store.close?.()
    await store.close?.()
  })
}

function createTests ({ check }: Runner): void {
  check('load gives what create was given, and null for an id that nobody created', async ({ store }) => {
    const id = newId()
    assert.equal(await store.load(id), null)
    assert.equal(await store.create(id, 'payload', later()), true)
    assert.equal(await store.load(id), 'payload')
    assert.equal(await store.load(newId()), null)
  })

  check('create refuses a taken id and changes neither payload nor deadline', async ({ store, soon, past }) => {
    const id = newId()
    const brief = newId()
    const deadline = soon()
    await store.create(id, 'first', later())
    await store.create(brief, 'first', deadline)
    const again = await store.create(brief, 'second', later())
    // A machine that stood still until now has a free id, and nothing to refuse.
    assert.ok(!again || Date.now() >= deadline, 'a live record was written over')
    assert.equal(await store.create(id, 'first', later()), false)
    assert.equal(await store.create(id, 'second', elapsed()), false)
    assert.equal(await store.load(id), 'first')
    await past(deadline)
    if (!again) assert.equal(await store.load(brief), null, 'a refused create moved the deadline')
  })

  check('an id can be created again after it was deleted', async ({ store }) => {
    const id = newId()
    await store.create(id, 'first', later())
    await store.delete(id)
    assert.equal(await store.create(id, 'second', later()), true)
    assert.equal(await store.load(id), 'second')
  })
}

/** Where engines and their columns have cut what they compare. */
const lengths = [255, 4096, 65_536, 200_000]

function replaceTests ({ check }: Runner): void {
  check('replace writes over the payload it expects and nothing else', async ({ store }) => {
    const id = newId()
    const neighbour = newId()
    await store.create(id, 'first', later())
    await store.create(neighbour, 'first', later())
    assert.equal(await store.replace(id, 'other', 'second', later()), 'conflict')
    assert.equal(await store.load(id), 'first')
    assert.equal(await store.replace(id, 'first', 'second', later()), 'replaced')
    assert.equal(await store.replace(id, 'first', 'third', later()), 'conflict')
    assert.equal(await store.load(id), 'second')
    assert.equal(await store.load(neighbour), 'first')
  })

  check('replace by an equal payload is a replacement, and compares case and trailing space', async ({ store }) => {
    const id = newId()
    await store.create(id, 'payload', later())
    assert.equal(await store.replace(id, 'payload', 'payload', later()), 'replaced')
    for (const near of ['PAYLOAD', 'payload ', 'payloa', '']) {
      assert.equal(await store.replace(id, near, 'changed', later()), 'conflict', JSON.stringify(near))
    }
    assert.equal(await store.load(id), 'payload')
  })

  check('replace compares the whole payload, to its last character', async ({ store }) => {
    for (const length of lengths) {
      const [id, payload] = [newId(), 'x'.repeat(length)]
      await store.create(id, `${payload}a`, later())
      assert.equal(await store.replace(id, `${payload}b`, 'changed', later()), 'conflict', `of ${length + 1} characters`)
      assert.equal(await store.replace(id, `${payload}a`, 'changed', later()), 'replaced', `of ${length + 1} characters`)
    }
  })

  check('replace of what is not there makes nothing', async ({ store }) => {
    const id = newId()
    assert.equal(await store.replace(id, 'first', 'second', later()), 'missing')
    assert.equal(await store.replace(id, '', 'second', later()), 'missing')
    assert.equal(await store.load(id), null)
  })
}

function touchTests ({ check }: Runner): void {
  check('touch leaves the payload as it is, and makes nothing where there is nothing', async ({ store }) => {
    const id = newId()
    await store.create(id, 'payload', later())
    assert.equal(await store.touch(id, later()), true)
    assert.equal(await store.load(id), 'payload')
    assert.equal(await store.replace(id, 'payload', 'second', later()), 'replaced')
    const unknown = newId()
    assert.equal(await store.touch(unknown, later()), false)
    assert.equal(await store.load(unknown), null)
  })
}

function deleteTests ({ check }: Runner): void {
  check('delete forgets one record, and deleting what is not there is no error', async ({ store }) => {
    const id = newId()
    const neighbour = newId()
    await store.create(id, 'payload', later())
    await store.create(neighbour, 'payload', later())
    await store.delete(id)
    await store.delete(id)
    await store.delete(newId())
    assert.equal(await store.load(neighbour), 'payload')
    await assertGone(store, id)
  })

  check('a record has gone when delete has answered', async ({ store }) => {
    for (let round = 0; round < 5; round++) {
      const id = newId()
      await store.create(id, 'payload', later())
      await store.delete(id)
      assert.equal(await store.load(id), null)
    }
  })
}

/** Nothing but a new `create` may bring `id` back. */
export async function assertGone (store: SessionStore, id: string, payload = 'payload'): Promise<void> {
  assert.equal(await store.load(id), null)
  assert.equal(await store.replace(id, payload, 'back', later()), 'missing')
  assert.equal(await store.touch(id, later()), false)
  assert.equal(await store.load(id), null)
}
