import assert from 'node:assert/strict'
import { later, newId } from './runner.js'
import type { Runner, Scene } from './runner.js'

/** Each of these has been a hole in some store. Many differ by little, so that two of them must not be one. */
export const hostile = [
  '../x', '..', '.', './x', 'a/../../b', '/etc/passwd', '..\\x', '%2e%2e%2fx', 'C:x', 'con', 'x:y', '~',
  "' OR '1'='1", '" OR ""="', "'; DROP TABLE sessions; --", '\\', '%', '_', '*', '?', 'a*', '[a-z]*',
  'a', 'A', 'a ', ' a', 'a\t', 'a b', 'a\nb', 'a\r\nget b\r\n', 'a\r\ndelete a\r\n', '\n',
  'ab', 'a\0', 'a\0b', '\0', '1', '01', '1.0', '1e0',
  '$gt', '$where', '{"$gt":""}', '__proto__', 'constructor', 'toString', 'hasOwnProperty',
  'é', 'e\u0301', '💥', '\ud800', '\ud801', '\ufffd', '\u202e', 'x'.repeat(5000), `${'x'.repeat(5000)}y`
]

export function idTests ({ check }: Runner): void {
  check('a hostile id is refused or is an ordinary id, and its neighbours stay as they are', async (scene) => {
    const { store } = scene
    const neighbours = await makeNeighbours(scene)
    const kept: string[] = []
    for (const id of hostile) {
      if (await refuses(store.create(id, `of ${id.length} ${kept.length}`, later()))) continue
      kept.push(id)
    }
    for (const [index, id] of kept.entries()) {
      const payload = `of ${id.length} ${index}`
      assert.equal(await store.load(id), payload, `${label(id)} is another record`)
      assert.equal(await store.replace(id, payload, `second ${index}`, later()), 'replaced', label(id))
      assert.equal(await store.touch(id, later()), true, label(id))
    }
    for (const [index, id] of kept.entries()) {
      assert.equal(await store.load(id), `second ${index}`, `${label(id)} was written over`)
      await store.delete(id)
      assert.equal(await store.load(id), null, `${label(id)} is still there`)
    }
    await assertUntouched(scene, neighbours)
  })

  check('a hostile id that was never created finds, moves and deletes nothing', async (scene) => {
    const { store } = scene
    const neighbours = await makeNeighbours(scene)
    for (const id of hostile) await assertFindsNothing(scene, id)
    await assertUntouched(scene, neighbours)
    assert.equal(await store.create(newId(), 'payload', later()), true)
  })

  check('an object in place of an id is no query', async (scene) => {
    const neighbours = await makeNeighbours(scene)
    await assertFindsNothing(scene, { $gt: '' } as unknown as string)
    await assertUntouched(scene, neighbours)
  })
}

const label = (id: string): string => JSON.stringify(id).slice(0, 40)

/** True if it rejects; an ordinary id must have been free. */
async function refuses (creation: Promise<boolean>): Promise<boolean> {
  const created = await creation.catch(() => 'refused')
  assert.notEqual(created, false, 'a free id counts as taken')
  return created === 'refused'
}

async function assertFindsNothing ({ store }: Scene, id: string): Promise<void> {
  assert.equal(await store.load(id).catch(() => null), null)
  assert.equal(await store.touch(id, later()).catch(() => false), false)
  assert.equal(await store.replace(id, 'neighbour', 'changed', later()).catch(() => 'missing'), 'missing')
  await store.delete(id).catch(() => {})
}

async function makeNeighbours ({ store }: Scene): Promise<string[]> {
  const ids = [newId(), newId(), 'x', 'b', 'sessions']
  for (const id of ids) await store.create(id, 'neighbour', later())
  return ids
}

async function assertUntouched ({ store }: Scene, ids: string[]): Promise<void> {
  for (const id of ids) assert.equal(await store.load(id), 'neighbour', `${id} was changed`)
}
