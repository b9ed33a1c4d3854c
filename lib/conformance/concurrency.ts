import assert from 'node:assert/strict'
import { delays } from './moments.js'
import { later, newId } from './runner.js'
import type { Runner } from './runner.js'
import type { SessionStore } from '../../types/store.js'

const writers = Array.from({ length: 100 }, (_, index) => `writer ${index}`)
/** Each conflict is another counter's success, of which there are nine. The bound is for a store that never gives in. */
const mostTries = 1000

export function concurrencyTests (run: Runner): void {
  if (!run.has('atomic')) return
  createRaces(run)
  replaceRaces(run)
  touchRaces(run)
}

function createRaces ({ check }: Runner): void {
  const five = () => Array.from({ length: 5 }, newId)

  check('of a hundred parallel creates of one id exactly one succeeds, and its payload stays', async ({ store }) => {
    for (const id of five()) await assertOneCreates(store, id)
  })

  check('of a hundred parallel creates over an expired record exactly one succeeds, and its payload stays', async ({ store, soon, past }) => {
    const ids = five()
    const deadline = soon()
    for (const id of ids) await store.create(id, 'first', deadline, 'ann')
    await past(deadline)
    for (const id of ids) await assertOneCreates(store, id)
  })

  check('of a hundred parallel creates of an id that was deleted a moment ago exactly one succeeds, and its payload stays', async ({ store }) => {
    for (const id of five()) {
      await store.create(id, 'first', later(), 'ann')
      await store.delete(id)
      await assertOneCreates(store, id)
    }
  })
}

async function assertOneCreates (store: SessionStore, id: string): Promise<void> {
  const outcomes = await Promise.all(writers.map((payload) => store.create(id, payload, later())))
  assert.equal(outcomes.filter(Boolean).length, 1)
  assert.equal(await store.load(id), writers[outcomes.indexOf(true)])
}

function replaceRaces ({ check }: Runner): void {
  check('of a hundred parallel replaces exactly one succeeds in each round, the others are conflicts', async ({ store }) => {
    const id = newId()
    let current = 'first'
    await store.create(id, current, later())
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(writers.map((writer) => store.replace(id, current, `${writer}, round ${round}`, later())))
      assert.equal(outcomes.filter((outcome) => outcome === 'replaced').length, 1)
      assert.equal(outcomes.filter((outcome) => outcome === 'conflict').length, writers.length - 1)
      current = `${writers[outcomes.indexOf('replaced')]}, round ${round}`
      assert.equal(await store.load(id), current)
    }
  })

  check('ten counters that each retry on conflict lose no count', async ({ store }) => {
    const id = newId()
    await store.create(id, '0', later())
    const increment = async (): Promise<void> => {
      for (let tries = 0; tries < mostTries; tries++) {
        const found = await store.load(id)
        if (await store.replace(id, String(found), String(Number(found) + 1), later()) !== 'conflict') return
      }
      assert.fail(`${mostTries} conflicts on end`)
    }
    await Promise.all(Array.from({ length: 10 }, increment))
    assert.equal(await store.load(id), '10')
  })

  check('a record deleted while it is being replaced does not come back', async ({ store }) => {
    for (const delay of delays) {
      const id = newId()
      await store.create(id, 'first', later())
      const replace = () => store.replace(id, 'first', 'second', later())
      await Promise.all([replace(), replace(), delay(() => store.delete(id)), replace(), replace()])
      assert.equal(await store.load(id), null)
    }
  })
}

function touchRaces ({ check }: Runner): void {
  check('a record deleted while it is being touched does not come back', async ({ store }) => {
    for (const delay of delays) {
      const id = newId()
      await store.create(id, 'payload', later())
      const touch = () => store.touch(id, later())
      await Promise.all([touch(), touch(), delay(() => store.delete(id)), touch(), touch()])
      assert.equal(await store.load(id), null)
    }
  })

  check('a touch that crosses a replace never brings the old payload back', async ({ store }) => {
    const id = newId()
    await store.create(id, '0', later())
    for (let round = 0; round < 20; round++) {
      const touch = () => store.touch(id, later())
      // No touch after it: one that writes what it reads would write the new payload, and cover the fault.
      const [, , outcome] = await Promise.all([
        touch(), touch(), store.replace(id, String(round), String(round + 1), later())
      ])
      assert.equal(outcome, 'replaced')
      assert.equal(await store.load(id), String(round + 1))
    }
  })
}
