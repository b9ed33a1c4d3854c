// Sessions seen from outside, where the store finds them by subject: kept there, and in revocable cookies.
import type { Test } from 'tap'
import { eachStore } from '../support/engines.js'
import { subjectProcesses, type SubjectProcesses } from '../support/subject-processes.js'

const times = async <T>(count: number, work: (index: number) => Promise<T>) => await Promise.all(Array.from({ length: count }, (_, index) => work(index)))
/** More than the plugin reads, and ends, at a time. */
const MANY = 200
const PUBLIC_HANDLE = /^[\w-]{22}$/

const programs: Record<string, (t: Test, apps: SubjectProcesses) => Promise<unknown>> = {
  async 'S-7.1.2: of twenty parallel sign-ins with a limit of three, exactly three sessions are left: the oldest end' (t, { ask, list, alive }) {
    const logins = await times(20, async () => await ask('/evicting/login', { subject: 'ann' }))
    t.strictSame(logins.map(({ status }) => status), logins.map(() => 200))
    t.strictSame(await alive('evicting', logins.map(({ cookie }) => cookie ?? '')), [3, 3])
    t.equal((await list('evicting', 'ann')).length, 3)
    const last = await ask('/evicting/login', { subject: 'ann' })
    t.strictSame(await alive('evicting', [last.cookie ?? '']), [1, 1], 'the newest stays')
    t.equal((await list('evicting', 'ann')).length, 3)
    t.equal((await list('evicting', 'bob')).length, 0)
  },

  async 'S-7.1.2: of twenty parallel sign-ins with a limit of three, exactly three get in, where more are refused' (t, { ask, list, alive }) {
    const logins = await times(20, async () => await ask('/refusing/login', { subject: 'ann' }))
    const entered = logins.filter(({ status }) => status === 200)
    const refused = logins.filter(({ status, cookie, body }) => status === 409 && cookie === null && body.code === 'FST_TYPED_SESSION_TOO_MANY')
    t.strictSame([entered.length, refused.length], [3, 17])
    t.strictSame(await alive('refusing', entered.map(({ cookie }) => cookie ?? '')), [3, 3])
    t.equal((await ask('/refusing/login', { subject: 'bob' })).status, 200, 'somebody else gets in')
    const [first, ...others] = entered
    const again = await ask('/refusing/login', { subject: 'ann' }, first?.cookie ?? '')
    t.equal(again.status, 200, 'one who is in already is not one more')
    await ask('/refusing/logout', {}, others[0]?.cookie ?? '')
    t.equal((await ask('/refusing/login', { subject: 'ann' })).status, 200, 'there is room again')
    t.equal((await list('refusing', 'ann')).length, 3)
  },

  async 'S-7.4.1: after a logout the token is replayed by fifty clients, and nobody is signed in' (t, { ask, login, alive }) {
    const cookie = await login('session', 'eve')
    t.strictSame(await alive('session', [cookie]), [1, 1])
    t.equal((await ask('/session/logout', {}, cookie)).cookie, '')
    const replays = await times(50, async (index) => (await ask('/session/read', {}, cookie, index)).body)
    t.strictSame(replays.filter(({ isNew }) => isNew !== true), [])
    const late = await times(10, async (index) => await ask('/session/write', {}, cookie, index))
    t.strictSame(await alive('session', [cookie]), [0, 0], 'no write brings it back')
    t.strictSame(late.map(({ status }) => status), late.map(() => 200))
  },

  async 'S-7.2.4, R-5: after a rotation the old token is nothing, and of parallel rotations one survives' (t, { ask, login, alive }) {
    const cookie = await login('session', 'kim')
    const rotations = await times(6, async (index) => await ask('/session/rotate', {}, cookie, index))
    const won = rotations.filter(({ status, cookie }) => status === 200 && cookie)
    t.strictSame(await alive('session', [cookie]), [0, 0])
    t.strictSame(await alive('session', won.map(({ cookie }) => cookie ?? '')), [1, 1])
  },

  async 'S-7.4.2: two hundred sessions of one subject, begun on two servers, end in one call; nobody else\'s do' (t, { ask, login, alive, list }) {
    const halves = await Promise.all([0, 1].map(async (by) => (await ask('/session/many', { subject: 'max', count: MANY / 2 }, '', by)).body as unknown as string[]))
    const cookies = halves.flat()
    const other = await login('session', 'liz')
    t.strictSame(await alive('session', cookies), [MANY, MANY])
    t.equal((await list('session', 'max')).length, MANY)
    t.strictSame((await ask('/session/destroy-all', { subject: 'max' })).body, { ended: MANY })
    t.strictSame(await alive('session', cookies), [0, 0])
    t.strictSame(await alive('session', [other]), [1, 1])
    t.strictSame((await ask('/session/destroy-all', { subject: 'max' })).body, { ended: 0 })
  },

  async 'S-7.4.3, K-19: whoever changes the password stays, under a new id, and all others of that user are out' (t, { ask, login, alive, list }) {
    const cookies = await times(5, async () => await login('session', 'tom'))
    const { status, cookie } = await ask('/session/change-password', {}, cookies[0])
    t.equal(status, 200)
    t.strictSame(await alive('session', cookies), [0, 0])
    t.strictSame(await alive('session', [cookie ?? '']), [1, 1])
    t.equal((await list('session', 'tom')).length, 1)
  },

  async 'S-7.5.2, K-56: a user sees each session by a handle that is no id, with times and what was said of it, and ends one; nobody ends another\'s' (t, { ask, login, alive, list }) {
    const cookies = await times(3, async () => await login('session', 'sue'))
    const bob = await login('session', 'bob')
    const listed = await list('session', 'sue')
    const own = await Promise.all(cookies.map(async (cookie) => (await ask('/session/read', {}, cookie)).body.id))
    t.strictSame(listed.map(({ id }) => id).sort(), own.sort(), 'session.id marks this one')
    for (const { id, createdAt, lastUsedAt, authenticatedAt, about } of listed) {
      t.match(id, PUBLIC_HANDLE)
      t.notOk(cookies.some((cookie) => cookie.includes(id)), 'no token')
      for (const at of [createdAt, lastUsedAt, authenticatedAt]) t.ok(Math.abs(Date.parse(at) - Date.now()) < 600_000, at)
      t.match(about, { agent: /^browser [01]$/ })
    }
    const [mine] = listed
    const [his] = await list('session', 'bob')
    t.strictSame((await ask('/session/destroy', { subject: 'sue', id: his?.id })).body, { ended: false }, 'another subject\'s (CVE-2017-18878)')
    t.strictSame((await ask('/session/destroy', { subject: 'bob', id: mine?.id })).body, { ended: false })
    t.strictSame([await alive('session', [bob]), await alive('session', cookies)], [[1, 1], [3, 3]])
    t.strictSame((await ask('/session/destroy', { subject: 'sue', id: mine?.id })).body, { ended: true })
    t.strictSame(await alive('session', cookies), [2, 2])
    t.strictSame((await ask('/session/destroy', { subject: 'sue', id: mine?.id })).body, { ended: false }, 'once')
    t.equal((await list('evicting', 'sue')).length, 0, 'a session of another kind in the same store is another\'s')
  },

  async 'S-7.5.1: a recent sign-in counts on both servers, and nothing else does' (t, { ask, login }) {
    const sensitive = async (cookie: string) => await times(2, async (by) => {
      const { status, body } = await ask('/session/sensitive', {}, cookie, by)
      return body.code ?? status
    })
    const visitor = (await ask('/session/write')).cookie ?? ''
    t.strictSame(await sensitive(visitor), Array(2).fill('FST_TYPED_SESSION_NOT_RECENT'))
    t.strictSame(await sensitive(await login('session', 'jim')), [200, 200])
    const proved = (await ask('/session/reauthenticate', {}, visitor)).cookie ?? ''
    t.strictSame(await sensitive(proved), [200, 200])
    t.strictSame(await sensitive(visitor), Array(2).fill('FST_TYPED_SESSION_NOT_RECENT'), 'the old token is dead')
  },

  async 'a session that rotates while it is listed is found, and is one in the list when it rests' (t, { ask, login, list }) {
    let cookie = await login('session', 'rob')
    const state = { rotating: true }
    const rotate = async () => {
      while (state.rotating) cookie = (await ask('/session/rotate', {}, cookie)).cookie || cookie
    }
    const rotating = rotate()
    let isFound = false
    // A search that is no snapshot may miss it, again and again on a busy machine, but not for ever.
    for (let round = 0; round < 100 && !isFound; round++) {
      const found = await times(8, async () => (await list('session', 'rob')).length)
      isFound = found.some((count) => count > 0)
    }
    state.rotating = false
    await rotating
    t.ok(isFound)
    t.equal((await list('session', 'rob')).length, 1)
  },

  // The last, because it ends everything.
  async 'S-7.4.5: one step ends every session that has begun, for both servers, and new ones begin' (t, { ask, login, alive, list }) {
    const cookies = await times(4, async (index) => await login('session', `user ${index}`))
    const limited = await login('evicting', 'zoe')
    t.strictSame(await alive('session', cookies), [4, 4])
    t.equal((await ask('/session/revoke-all')).status, 200)
    t.strictSame(await alive('session', cookies), [0, 0])
    t.equal((await list('session', 'user 0')).length, 0)
    t.strictSame(await alive('evicting', [limited]), [1, 1], 'sessions of another name go on')
    const again = await login('session', 'user 0')
    t.strictSame(await alive('session', [again]), [1, 1])
  }
}

await eachStore({ atomic: true }, async (t, { address, store, abilities }) => {
  if (!abilities.findsBySubject) return t.equal(store.findBySubject, undefined, 'it finds no sessions of a subject, and says so')
  for (const backend of ['store', 'cookie'] as const) {
    await t.test(`two processes, ${backend === 'store' ? 'sessions in the store' : 'cookie sessions with revocations in the store'}`, async t => {
      const apps = await subjectProcesses(t, { address, backend })
      for (const [name, program] of Object.entries(programs)) await t.test(name, async t => { await program(t, apps) })
    })
  }
})
