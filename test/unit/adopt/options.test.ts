import t from 'tap'
import { z } from 'zod'
import { fromExpressSession, fromFastifySession, fromFlask, fromSecureSession } from '../../../lib/adopt.js'
import { createSession } from '../../../lib/index.js'
import { SECRET } from '../../support/app.js'
import { OLD_KEY, secureKey } from '../../support/old-applications.js'

const common = { cookie: 'old', until: new Date(Date.now() + 1000), map: () => ({}) }
const store = { get: () => {}, destroy: () => {} }
const given = { fromExpressSession: { ...common, store, secret: OLD_KEY }, fromFastifySession: { ...common, store, secret: OLD_KEY }, fromSecureSession: { ...common, key: secureKey(OLD_KEY) }, fromFlask: { ...common, secret: OLD_KEY } }
const adopters = { fromExpressSession, fromFastifySession, fromSecureSession, fromFlask } as unknown as Record<string, (options?: object) => object>

t.test('what an adopter cannot work with is refused when it is made, by its path, and no key is told', async (t) => {
  const rows: [adopter: keyof typeof given, options: object, path: string, why: RegExp][] = [
    ['fromExpressSession', { store: undefined }, 'store', /get\(id, callback\)/],
    ['fromExpressSession', { store: { get: () => {} } }, 'store', /destroy\(id, callback\)/],
    ['fromExpressSession', { map: undefined }, 'map', /must be a function/],
    ['fromExpressSession', { secret: undefined }, 'secret', /is missing/],
    ['fromExpressSession', { secret: [] }, 'secret', /empty list/],
    ['fromExpressSession', { secret: 7 }, 'secret', /neither a string nor a Buffer/],
    ['fromExpressSession', { secret: 'keyboard cat keyboard' }, 'secret', /well-known examples/],
    ['fromExpressSession', { secret: [OLD_KEY, 'MySecret-of-somebody'] }, 'secret.1', /well-known examples/],
    ['fromExpressSession', { secret: 'fifteen-bytes-0' }, 'secret', /has 15 bytes, at least 16/],
    ['fromFastifySession', { secret: 'averylogphrasebiggerthanthirtytwochars' }, 'secret', /well-known examples/],
    ['fromFastifySession', { secret: 'abcdefghijklmnopqrstuvwxyz' }, 'secret', /is a sequence/],
    ['fromFastifySession', { algorithm: 'crc32' }, 'algorithm', /a hash that node:crypto knows/],
    ['fromSecureSession', { key: Buffer.alloc(32) }, 'key', /repeats itself/],
    ['fromSecureSession', { key: [secureKey(OLD_KEY), Buffer.from('changeme-changeme2-changeme3-abc')] }, 'key.1', /well-known examples/],
    ['fromSecureSession', { key: Buffer.from(OLD_KEY).subarray(1) }, 'key', /must have 32 bytes/],
    ['fromSecureSession', { key: undefined }, 'secret', /is missing/],
    ['fromSecureSession', { key: undefined, secret: OLD_KEY, salt: 'short' }, 'salt', /must have 16 bytes/],
    ['fromSecureSession', { expiry: 0 }, 'expiry', /more than 0/],
    ['fromSecureSession', { expiry: '1' }, 'expiry', /number of seconds/],
    ['fromSecureSession', { map: 'data' }, 'map', /must be a function/],
    ['fromFlask', { secret: 'dev' }, 'secret', /has 3 bytes/],
    ['fromFlask', { secret: 'supersecretkey-of-the-tutorial' }, 'secret', /well-known examples/],
    ['fromFlask', { salt: 7 }, 'salt', /must be a text/],
    ['fromFlask', { maxAge: -1 }, 'maxAge', /more than 0/],
    ['fromFlask', { maxAge: new Date() }, 'maxAge', /number of seconds/],
    ['fromFlask', { map: null }, 'map', /must be a function/]
  ]
  for (const [name, options, path, why] of rows) {
    const refused = () => adopters[name]?.({ ...given[name], ...options })
    t.throws(refused, { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: why }, `${name} ${path}`)
    t.throws(refused, { message: new RegExp(`^Session option ${name}\\.${path}: (?!.*(?:keyboard|MySecret))`) })
  }
})

t.test('a key that somebody may guess is refused with advice that works, and one that is missing without it', async (t) => {
  for (const secret of ['keyboard cat keyboard', 'fifteen-bytes-0', [OLD_KEY, 'changeme-and-more-of-it']]) {
    t.throws(() => adopters.fromFlask?.({ ...given.fromFlask, secret }), { message: /give the old system a new one first, and give only that one here, or let people sign in again$/ })
  }
  for (const secret of [undefined, '', 7]) t.throws(() => adopters.fromFlask?.({ ...given.fromFlask, secret }), { message: /(is missing|neither a string nor a Buffer)$/ })
})

t.test('without options they say what is missing', async (t) => {
  for (const [name, adopter] of Object.entries(adopters)) t.throws(() => adopter(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(name) })
})

t.test('good ones make an adopter', async (t) => {
  for (const [name, adopter] of Object.entries(adopters)) t.match(adopter(given[name as keyof typeof given]), { cookie: 'old', until: common.until, read: Function })
})

t.test('map gives the stored form of the schema, or the program does not compile', async (t) => {
  const schema = z.object({ userId: z.string(), cart: z.array(z.string()).default([]) })
  const base = { cookie: 'old', until: common.until, secret: OLD_KEY }
  const withMap = [
    createSession(schema, { secret: SECRET, initial: { userId: '' }, adopt: [fromFlask({ ...base, map: (old) => ({ userId: old.user_id }) })] }),
    createSession(schema, { secret: SECRET, initial: { userId: '' }, adopt: [fromFlask({ ...base, map: (old) => old.user_id === undefined ? null : { userId: old.user_id } }), fromExpressSession({ ...base, store, map: (old) => ({ userId: old.user as string, cart: ['tea'] }) })] }),
    // @ts-expect-error a number is no text
    createSession(schema, { secret: SECRET, initial: { userId: '' }, adopt: [fromFlask({ ...base, map: () => ({ userId: 1 }) })] }),
    // @ts-expect-error a key that is required is missing
    createSession(schema, { secret: SECRET, initial: { userId: '' }, adopt: [fromSecureSession({ cookie: 'old', until: common.until, key: secureKey(OLD_KEY), map: () => ({ cart: [] }) })] })
  ]
  t.equal(withMap.length, 4)
})
