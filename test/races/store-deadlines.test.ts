import t from 'tap'
import { mock } from 'node:test'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { raceApp } from '../support/race-app.js'

mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
const tick = (ms: number) => mock.timers.tick(ms)

/** Forgets nothing: so that only the plugin's own check counts. */
function forgetful (): SessionStore {
  const store = memoryStore()
  const never = 8_640_000_000_000_000 // the last moment that a Date can hold
  return {
    create: async (id, payload, _, subject) => await store.create(id, payload, never, subject),
    load: async (id) => await store.load(id),
    replace: async (id, expected, payload, _, subject) => await store.replace(id, expected, payload, never, subject),
    touch: async (id) => await store.touch(id, never),
    delete: async (id) => await store.delete(id)
  }
}

for (const [name, open] of Object.entries<() => SessionStore | null>({ 'in a store that forgets nothing': forgetful, 'in the cookie': () => null })) {
  t.test(`a session ${name} ends at its idle timeout, not a millisecond before (S-7.3.1, K-13, K-14, K-15)`, async (t) => {
    const app = raceApp(open(), { idleTimeout: 100, absoluteTimeout: 1_000, touchAfter: 10 })
    t.teardown(async () => await app.close())
    const { cookie } = await app.send('begin', null)
    tick(99_999)
    t.notOk((await app.send('destroy', cookie)).isNew)
    const other = (await app.send('begin', null)).cookie
    tick(100_000)
    t.match(await app.send('read', other), { isNew: true, cookie: null })
  })

  t.test(`a session ${name} that is used all the time ends at its absolute timeout, rotated or not (S-7.3.2)`, async (t) => {
    for (const operation of ['touch', 'rotate', 'login', 'writeA', 'add'] as const) {
      const app = raceApp(open(), { idleTimeout: 10, absoluteTimeout: 100, touchAfter: 0 })
      let { cookie } = await app.send('begin', null)
      for (let second = 0; second < 99; second++) {
        tick(1_000)
        const answer = await app.send(operation, cookie, `v${second}`)
        if (answer.isNew || answer.status !== 200) t.fail(`${operation} after ${second} seconds: ${answer.status}`)
        cookie = answer.cookie ?? cookie
      }
      tick(999)
      t.notOk((await app.send('read', cookie)).isNew, `${operation}, one millisecond before`)
      tick(1)
      t.ok((await app.send('read', cookie)).isNew, `${operation}, at the end`)
      await app.close()
    }
  })

  t.test(`a session ${name} is touched once it is time, and no earlier`, async (t) => {
    const app = raceApp(open(), { idleTimeout: 100, touchAfter: 10 })
    t.teardown(async () => await app.close())
    const { cookie } = await app.send('begin', null)
    tick(9_999)
    t.equal((await app.send('read', cookie)).cookie, null)
    tick(1)
    const touched = (await app.send('read', cookie)).cookie
    t.ok(touched)
    tick(99_999)
    t.notOk((await app.send('read', touched)).isNew)
  })

  t.test(`a session ${name} from a clock far ahead is nothing, from one a little ahead it is good (R-24)`, async (t) => {
    const app = raceApp(open())
    t.teardown(async () => await app.close())
    tick(4_000_000)
    const { cookie } = await app.send('begin', null)
    mock.timers.setTime(Date.now() - 3_600_000)
    t.notOk((await app.send('read', cookie)).isNew, 'one hour')
    mock.timers.setTime(Date.now() - 1)
    t.ok((await app.send('read', cookie)).isNew, 'more')
  })
}
