import t from 'tap'
import type { Test } from 'tap'
import { mock } from 'node:test'
import { memoryStore } from '../../lib/stores/memory.js'
import { Gate } from '../support/gate.js'
import { type Operation, raceApp, type RaceSettings } from '../support/race-app.js'
import { everyRace, raceTrack } from '../support/races.js'
import { Chosen, drawn } from '../support/schedule.js'

mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
const tick = (ms: number) => mock.timers.tick(ms)

function open (t: Test, settings: RaceSettings = {}) {
  const gate = new Gate(memoryStore())
  const app = raceApp(gate, settings)
  t.teardown(async () => await app.close())
  const begin = async () => (await app.send('begin', null)).cookie as string
  /** Runs `inside` when the request has made `calls` calls of the store and waits for the next one. */
  const during = async (operation: Operation, token: string, calls: number, inside: () => Promise<void>) => {
    let left = calls
    let entered: Promise<void> = Promise.resolve()
    const [answer] = await gate.race([async () => await app.send(operation, token, 'slow')], new Chosen(async () => {
      if (left-- === 0) entered = gate.aside(inside)
      await entered
      return 0
    }))
    return answer!
  }
  return { gate, ...app, begin, during }
}

const track = (t: Test, settings: RaceSettings = {}) => {
  const track = raceTrack(memoryStore, tick, settings)
  t.teardown(async () => await track.close())
  return track
}

t.test('fifty parallel requests count to fifty (P1.2)', async (t) => {
  const races = track(t)
  for (let seed = 1; seed <= 3; seed++) {
    const { sessions, answers } = await races.run(Array<Operation>(50).fill('add'), drawn(seed))
    t.equal(sessions[0]!.data.count, 50)
    t.ok(answers.every(({ status }) => status === 200))
  }
})

t.test('parallel requests that write different keys lose nothing (R-1)', async (t) => {
  const races = track(t)
  for (let seed = 1; seed <= 100; seed++) {
    const { sessions: [session], values } = await races.run(['writeA', 'writeB', 'pushList', 'pushNotes', 'add', 'touch', 'read', 'pushList'], drawn(seed))
    const { a, b, list, notes, count } = session!.data as Record<string, string[]>
    t.same([a, b, list!.length, notes, count], [values[0], values[1], 3, ['n0', values[3]], 1])
  }
})

t.test('of ten parallel rotations one is made and none leaves an orphan (R-5)', async (t) => {
  const races = track(t)
  for (let seed = 1; seed <= 20; seed++) {
    const { answers, newReads } = await races.run(Array<Operation>(10).fill('rotate'), drawn(seed))
    t.equal(answers.filter(({ cookie }) => cookie !== null).length, 1)
    t.ok(answers.every(({ status }) => status === 200), 'who comes second has got what it asked for: a new id')
    t.match(newReads, [{ isNew: false, data: { a: 'a0' } }])
  }
})

for (const other of ['rotate', 'login'] as const) {
  t.test(`destroy ends the session whichever is first, it or ${other} (R-3, R-5)`, async (t) => {
    let tombstoneFirst = 0
    const races = track(t)
    const count = await everyRace({
      ...races,
      async run (program, scheduler) {
        const history = await races.run(program, scheduler)
        if (history.answers.every(({ status, isNew }) => status === 200 && !isNew)) t.same(history.sessions, [])
        const mark = (text: string) => history.changes.findIndex(({ payload }) => payload.includes(text))
        if (mark('movedTo') !== -1 && mark('movedTo') < mark('ended')) tombstoneFirst++
        return history
      }
    }, ['destroy', other])
    t.ok(tombstoneFirst > 0 && tombstoneFirst < count, 'both orders were among them')
  })
}

t.test('update() does not cross a login of another request: it is refused, and has seen nothing (R-4)', async (t) => {
  const { during, send, begin } = open(t)
  const token = await begin()
  let cookie: string | null = null
  const { status, code, users } = await during('add', token, 1, async () => { cookie = (await send('login', token, 'ann')).cookie })
  t.same([status, code, users], [409, 'FST_TYPED_SESSION_MOVED', [null, null].map(() => undefined)])
  t.match((await send('read', cookie)).data, { count: 0, userId: 'ann' })
})

t.test('the write of a request that is older than a rotation is refused, and sends no cookie (R-4)', async (t) => {
  for (const operation of ['rotate', 'login'] as const) {
    const { during, send, begin } = open(t)
    const token = await begin()
    let fresh: string | null = null
    const { status, code, cookie } = await during('writeA', token, 1, async () => { fresh = (await send(operation, token, 'ann')).cookie })
    t.same([status, code, cookie], [409, 'FST_TYPED_SESSION_MOVED', null])
    t.not((await send('read', fresh)).data.a, 'slow')
    t.ok((await send('read', token)).isNew)
  }
})

t.test('destroy() finds the session however often it has moved meanwhile, a write does not (R-3, R-4)', async (t) => {
  for (const operation of ['writeA', 'destroy'] as const) {
    const { during, send, begin, gate } = open(t)
    const token = await begin()
    let latest: string | null = token
    await during(operation, token, 1, async () => {
      for (let i = 0; i < 8; i++) latest = (await send('rotate', latest)).cookie
    })
    if (operation === 'destroy') t.same(await gate.sessions(), [])
    else t.not((await send('read', latest)).data.a, 'slow')
  }
})

t.test('a destroyed session stays destroyed, whatever is saved last (R-3, K-9, K-10)', async (t) => {
  for (const operation of ['writeA', 'pushList', 'add', 'touch', 'rotate', 'login'] as const) {
    const { during, send, begin, gate } = open(t, { touchAfter: 0 })
    const token = await begin()
    tick(1)
    const { cookie } = await during(operation, token, 1, async () => { await send('destroy', token) })
    t.same(await gate.sessions(), [], operation)
    t.equal(cookie, null, `${operation} sends no cookie`)
    t.ok((await send('read', token)).isNew)
  }
})

t.test('after a privilege rotation the old token is anonymous and cannot save, until it is forgotten (R-6)', async (t) => {
  const { send, begin } = open(t, { rotationGrace: 10 })
  const old = await begin()
  const { cookie } = await send('login', old, 'ann')
  t.ok((await send('read', old)).isNew, 'no grace')
  t.match(await send('writeA', old), { status: 409, code: 'FST_TYPED_SESSION_MOVED', cookie: null })
  t.match(await send('destroy', old), { status: 409, code: 'FST_TYPED_SESSION_MOVED', cookie: null }, 'nobody should believe that it ended the session')
  t.equal((await send('read', cookie)).data.userId, 'ann')
  tick(10_000)
  t.match(await send('writeA', old), { status: 200, isNew: true }, 'then it begins a session of its own')
  t.equal((await send('read', cookie)).data.a, 'a0')
})

t.test('after a periodic rotation the old token reads and writes the same session during its grace, but is not issued again (R-6)', async (t) => {
  const { send, begin } = open(t, { rotateEvery: 60, rotationGrace: 10, touchAfter: 1 })
  const first = await begin()
  tick(59_999)
  t.equal((await send('read', first)).cookie === first, false, 'only touched')
  tick(1)
  const second = (await send('read', first)).cookie
  tick(5_000)
  t.match(await send('writeA', first, 'late'), { status: 200, isNew: false, cookie: null })
  t.equal((await send('read', second)).data.a, 'late')
  for (const operation of ['rotate', 'login'] as const) {
    t.match(await send(operation, first), { status: 409, code: 'FST_TYPED_SESSION_MOVED', cookie: null }, `${operation} is for the new token`)
  }
  tick(4_999)
  t.match(await send('read', first), { isNew: false, cookie: null }, 'the last millisecond')
  tick(1)
  t.match(await send('read', first), { isNew: true, cookie: null })
  t.notOk((await send('read', second)).isNew)
})

t.test('an old token finds the session through several rotations within one grace (R-6)', async (t) => {
  const { send, begin } = open(t, { rotateEvery: 1, rotationGrace: 10 })
  const first = await begin()
  let latest: string | null = first
  for (let i = 0; i < 9; i++) {
    tick(1_000)
    latest = (await send('read', latest)).cookie
  }
  t.match(await send('read', first), { isNew: false, cookie: null })
})

t.test('a change of privilege ends what a grace had left readable (R-6)', async (t) => {
  const { send, begin } = open(t, { rotateEvery: 60, rotationGrace: 30 })
  const first = await begin()
  tick(60_000)
  const second = (await send('read', first)).cookie
  t.notOk((await send('read', first)).isNew)
  await send('login', second, 'ann')
  t.ok((await send('read', first)).isNew)
  t.ok((await send('read', second)).isNew)
})

t.test('with no grace the old token is dead at once (R-6)', async (t) => {
  const { send, begin } = open(t, { rotateEvery: 60, rotationGrace: 0 })
  const first = await begin()
  tick(60_000)
  const second = (await send('read', first)).cookie
  t.ok((await send('read', first)).isNew)
  t.notOk((await send('read', second)).isNew)
})

t.test('fifty parallel first requests get a session each and share nothing (R-7)', async (t) => {
  const { gate, send } = open(t)
  const answers = await gate.race(Array.from({ length: 50 }, (_, i) => async () => await send('pushList', null, `v${i}`)), drawn(7))
  t.equal(new Set(answers.map(({ cookie }) => cookie)).size, 50)
  t.equal(gate.ids.size, 50)
  for (const [i, { cookie }] of answers.entries()) t.same((await send('read', cookie)).data.list, [`v${i}`])
})

t.test('parallel first requests that only read leave nothing (R-7, I14)', async (t) => {
  const { gate, send } = open(t)
  const answers = await gate.race(Array.from({ length: 50 }, () => async () => await send('read', null)), drawn(8))
  t.ok(answers.every(({ cookie }) => cookie === null))
  t.equal(gate.ids.size, 0)
})

t.test('a session whose absolute deadline passes between load and save is gone (R-8)', async (t) => {
  for (const operation of ['touch', 'writeA', 'add', 'rotate', 'login'] as const) {
    const { during, begin, send } = open(t, { idleTimeout: 100, absoluteTimeout: 100, touchAfter: 10 })
    const token = await begin()
    tick(99_999)
    const { cookie } = await during(operation, token, 1, async () => { tick(1) })
    t.ok((await send('read', cookie ?? token)).isNew, operation)
  }
})

t.test('a session whose idle deadline passes between load and save was used when it was loaded (R-8)', async (t) => {
  for (const operation of ['touch', 'writeA', 'add', 'rotate', 'login'] as const) {
    const { during, begin, send } = open(t, { idleTimeout: 100, touchAfter: 10 })
    const token = await begin()
    tick(99_999)
    const { cookie } = await during(operation, token, 1, async () => { tick(1) })
    tick(99_998)
    t.notOk((await send('read', cookie ?? token)).isNew, operation)
  }
})

t.test('a touch in the last millisecond keeps the session for another idle timeout, and no longer (R-8)', async (t) => {
  const { begin, gate, send } = open(t, { idleTimeout: 100, touchAfter: 10 })
  const token = await begin()
  tick(99_999)
  const { cookie } = await send('read', token)
  tick(99_999)
  t.notOk((await send('read', cookie)).isNew)
  t.notOk((await send('read', token)).isNew, 'the record says when it was used, to the token from before as well')
  tick(100_000)
  t.ok((await send('read', cookie)).isNew)
  tick(600_000)
  t.same(await gate.sessions(), [], 'nothing stays for ever')
})

t.test('an id that is taken is not taken over: another one is made (K-8)', async (t) => {
  const { gate, begin, send } = open(t)
  const victim = await begin()
  const [before] = await gate.sessions()
  for (const collisions of [1, 2]) {
    gate.collisions = collisions
    const { cookie } = await send('writeA', null, 'mine')
    t.equal((await send('read', cookie)).data.a, 'mine', 'created')
    gate.collisions = collisions
    const rotated = (await send('rotate', cookie)).cookie
    t.equal((await send('read', rotated)).data.a, 'mine', 'rotated')
    t.ok((await send('read', cookie)).isNew)
  }
  gate.collisions = Infinity
  t.match(await send('writeA', null), { status: 409, code: 'FST_TYPED_SESSION_CONFLICT', cookie: null })
  t.match(await send('rotate', victim), { status: 409, code: 'FST_TYPED_SESSION_CONFLICT', cookie: null })
  gate.collisions = 0
  t.same((await gate.sessions())[0], before)
  t.equal((await send('read', victim)).data.a, 'a0')
})
