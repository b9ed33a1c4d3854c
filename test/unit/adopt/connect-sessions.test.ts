import { createHmac } from 'node:crypto'
import t from 'tap'
import { type ConnectReader, fromExpressSession, fromFastifySession } from '../../../lib/adopt.js'
import { OLD_KEY } from '../../support/old-applications.js'

const until = new Date(Date.now() + 86_400_000)
const request = {} as never
const sign = (id: string, algorithm = 'sha256') => `${id}.${createHmac(algorithm, OLD_KEY).update(id).digest('base64').replaceAll('=', '')}`
const none = (_id: string, done: (error?: unknown) => void) => done()
const express = (store: Partial<ConnectReader>, map: (old: Record<string, any>) => object | null = (old) => old) =>
  fromExpressSession({ cookie: 'connect.sid', until, secret: Buffer.from(OLD_KEY), store: { get: none, destroy: none, ...store }, map })
const value = `s:${sign('id')}`

t.test('map gets the session as it lies there, and may leave it', async (t) => {
  const session = { cookie: { path: '/' }, user: 'ann' }
  t.strictSame(await express({ get: (_id, done) => done(null, session) }).read(value, request), { data: session })
  t.equal(await express({ get: (_id, done) => done(null, session) }, () => null).read(value, request), null)
})

t.test('what a store may say for none is none', async (t) => {
  for (const answer of [null, undefined, 0, '', false, 'text']) t.equal(await express({ get: (_id, done) => done(null, answer) }).read(value, request), null, String(answer))
  const enoent = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  t.equal(await express({ get: (_id, done) => done(enoent) }).read(value, request), null)
  t.equal(await express({ get: async () => await Promise.reject(enoent) }).read(value, request), null)
  await express({ destroy: (_id, done) => done(enoent) }).forget?.(value)
})

t.test('a database whose socket is gone has failed, and has not said that there is no session', async (t) => {
  const gone = Object.assign(new Error('connect ENOENT /run/postgresql/.s.PGSQL.5432'), { code: 'ENOENT', syscall: 'connect' })
  const old = express({ get: (_id, done) => done(gone), destroy: async () => await Promise.reject(gone) })
  await t.rejects(async () => await old.read(value, request), gone)
  await t.rejects(async () => await old.forget?.(value), gone)
})

t.test('a session that has expired is none, whatever the store thinks of it', async (t) => {
  const ago = Date.now() - 1
  const read = async (cookie: object) => await express({ get: (_id, done) => done(null, { cookie }) }).read(value, request)
  for (const dead of [{ expires: new Date(ago) }, { expires: new Date(ago).toISOString() }, { expires: ago }, { originalExpires: new Date(ago), expires: new Date(ago + 60_000) }]) t.equal(await read(dead), null, JSON.stringify(dead))
  for (const live of [{}, { expires: null }, { expires: false }, { expires: 'no date' }, { expires: new Date(ago + 60_000) }]) t.ok(await read(live), JSON.stringify(live))
  t.ok(await express({ get: (_id, done) => done(null, { user: 'ann' }) }).read(value, request))
})

t.test('a store that fails in any way rejects', async (t) => {
  const failures: ConnectReader['get'][] = [
    (_id, done) => done(new Error('oh')), (_id, done) => done('oh'), () => { throw new Error('oh') }, async () => await Promise.reject(new Error('oh')),
    // eslint-disable-next-line prefer-promise-reject-errors
    async () => await Promise.reject()
  ]
  for (const get of failures) {
    await t.rejects(Promise.resolve(express({ get }).read(value, request)), Error)
    await t.rejects(Promise.resolve(express({ destroy: get }).forget?.(value)), Error)
  }
})

t.test('the store is asked for no id that is not signed', async (t) => {
  const asked: string[] = []
  const note = (id: string, done: (error?: unknown) => void) => { asked.push(id); done() }
  const { read, forget } = express({ get: note, destroy: note })
  for (const wrong of ['', 'id', 's:', 's:id', 's:id.', 's:.mac', sign('id'), `s:${sign('id')}A`, `s:${sign('')}`, `j:${sign('id')}`, 's:other.' + sign('id').slice(3)]) {
    t.equal(await read(wrong, request), null, wrong)
    await forget?.(wrong)
  }
  t.strictSame(asked, [])
  await read(value, request)
  await forget?.(value)
  t.strictSame(asked, ['id', 'id'])
})

t.test('prefix and algorithm of @fastify/session are heeded', async (t) => {
  const store: ConnectReader = { get: (_id, done) => done(null, { user: 'ann' }), destroy: none }
  const read = async (options: object, text: string) => await fromFastifySession({ cookie: 'sessionId', until, secret: OLD_KEY, store, map: (old) => old, ...options }).read(text, request)
  t.ok(await read({}, sign('id')))
  t.ok(await read({ cookiePrefix: 's:' }, `s:${sign('id')}`))
  t.equal(await read({ cookiePrefix: 's:' }, sign('id')), null)
  t.ok(await read({ algorithm: 'sha512' }, sign('id', 'sha512')))
  t.equal(await read({ algorithm: 'sha512' }, sign('id')), null)
})
