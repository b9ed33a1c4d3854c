import t from 'tap'
import crypto, { createHash, hkdfSync, randomBytes } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { createKeyring } from '../../../lib/tokens/keyring.js'
import type { Binding, Purpose } from '../../../lib/tokens/keyring.js'

const binding: Binding = { application: 'shop', session: 'session', cookie: '__Host-Http-session' }
const secret = randomBytes(32)
const keyring = createKeyring([secret], binding)
const formats: readonly Purpose[] = ['sealed', 'readable', 'reference']
const reference = fc.uint8Array({ minLength: 38, maxLength: 38 })
const bodies = { sealed: fc.uint8Array({ maxLength: 500 }), readable: fc.uint8Array({ maxLength: 500 }), reference }

for (const format of formats) {
  t.test(`a ${format} token is read back, has the announced size and the cookie alphabet (S-ck1)`, async (t) => {
    fc.assert(fc.property(bodies[format], (body) => {
      const token = keyring[format].write(body)
      const opened = keyring[format].read(token)
      return opened !== null && opened.body.equals(body) && !opened.stale &&
        token.length === keyring[format].size(body.length) && /^[A-Za-z0-9_-]+$/.test(token)
    }), { numRuns: 500 })
    t.pass()
  })

  t.test(`random text is no ${format} token and no exception (R-41)`, async (t) => {
    const token = keyring[format].write(Buffer.alloc(38, 1))
    const base64url = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    // Right up to the key id, so that the noise gets as far as the cryptography.
    const headed = fc.oneof(base64url, fc.string({ unit: 'binary' })).map((rest) => token.slice(0, 7) + rest)
    const sized = fc.uint8Array({ minLength: 54, maxLength: 54 }).map((bytes) => token.slice(0, 7) + Buffer.from(bytes).toString('base64url'))
    const spliced = fc.tuple(fc.nat(token.length), fc.nat(10), fc.string({ unit: 'binary', minLength: 1 }))
      .map(([at, removed, text]) => token.slice(0, at) + text + token.slice(at + removed))
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), base64url, headed, sized, spliced), (text) =>
      text === token || keyring[format].read(text) === null
    ), { numRuns: 5_000 })
    t.pass()
  })
}

t.test('sealing the same again gives another token (S-7.2.2)', async (t) => {
  const body = Buffer.from('{"userId":"u1"}')
  t.equal(new Set(Array.from({ length: 10_000 }, () => keyring.sealed.write(body))).size, 10_000)
})

t.test('a sealed token hides its body, a readable one does not', async (t) => {
  const body = Buffer.from('something to be found')
  const bytes = (token: string) => Buffer.from(token.slice(7), 'base64url')
  t.notOk(bytes(keyring.sealed.write(body)).includes(body))
  t.ok(bytes(keyring.readable.write(body)).includes(body))
})

t.test('a reference has one length, anything else is a mistake of the caller', async (t) => {
  for (const length of [0, 37, 39]) t.throws(() => keyring.reference.write(Buffer.alloc(length)), RangeError)
  t.equal(keyring.reference.size(38), 7 + 72, 'no spare bits')
})

t.test('a token is accepted only for the purpose and binding it was made for (S-9.2.2)', async (t) => {
  const names = ['', 'a', 'ab', 'session']
  const cells = formats.flatMap((format) => names.flatMap((application) => names.flatMap((session) => names.map((cookie) =>
    ({ format, tokens: createKeyring([secret], { application, session, cookie })[format] })))))
  const body = Buffer.alloc(38, 1)
  const written = cells.map(({ tokens }) => tokens.write(body))
  const accepted: string[] = []
  for (const [row, token] of written.entries()) {
    for (const [column, { tokens }] of cells.entries()) if (tokens.read(token)) accepted.push(`${row} ${column}`)
  }
  t.same(accepted, cells.map((_, index) => `${index} ${index}`), 'the diagonal and nothing else')
  t.equal(cells.length ** 2, 36_864)
})

t.test('the version character alone does not make one kind into another (S-9.2.2)', async (t) => {
  const versions = { sealed: '1', readable: '2', reference: '3' }
  for (const from of formats) {
    for (const to of formats.filter((format) => format !== from)) {
      t.equal(keyring[to].read(versions[to] + keyring[from].write(Buffer.alloc(38)).slice(1)), null, `${from} as ${to}`)
    }
  }
})

t.test('names that share a long beginning are told apart, too long or broken ones are refused (K-62)', async (t) => {
  for (const field of ['application', 'session', 'cookie'] as const) {
    const tokens = (value: string) => createKeyring([secret], { ...binding, [field]: value }).sealed
    const long = 'x'.repeat(511)
    t.equal(tokens(`${long}a`).read(tokens(`${long}b`).write(Buffer.alloc(1))), null)
    t.throws(() => tokens(`${long}ab`), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: field })
    t.throws(() => tokens('\ud800'), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: field }, 'UTF-8 would make it U+FFFD')
  }
})

t.test('a keyring shows neither secrets nor keys', async (t) => {
  const keys = [secret, ...['sealed', 'readable', 'reference'].map((purpose) => {
    const parts = ['fastify-typed-session/v1', purpose, 'session']
    const info = Buffer.concat(parts.flatMap((part) => [Buffer.of(0, part.length), Buffer.from(part)]))
    return Buffer.from(hkdfSync('sha256', secret, '', info, 32))
  })]
  keyring.sealed.read(keyring.sealed.write(Buffer.alloc(1)))
  const shown = [
    inspect(keyring, { depth: Infinity, showHidden: true, getters: true, maxArrayLength: null }),
    JSON.stringify(keyring),
    JSON.stringify(Object.values(keyring)),
    String(Object.getOwnPropertyNames(keyring.sealed))
  ].join('\n')
  for (const key of keys) {
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) t.notOk(shown.includes(key.toString(encoding)))
    t.notOk(shown.includes(key.toString('hex').replace(/..(?!$)/g, '$& ')))
    t.notOk(shown.includes([...key].join(',')))
  }
  t.notMatch(shown, /KeyObject|<Buffer|Uint8Array|Cipher/)
  t.throws(() => { Object.assign(keyring, { sealed: keyring.readable }) }, TypeError)
  t.throws(() => { Object.assign(keyring.sealed, { read: () => null }) }, TypeError)
  t.throws(() => { Object.assign(keyring.ids, ['other']) }, TypeError)
})

t.test('the bytes of derived keys are wiped once they are key objects', async (t) => {
  const derived: ArrayBuffer[] = []
  const recording = (...args: Parameters<typeof hkdfSync>) => {
    const bytes = original(...args)
    derived.push(bytes)
    return bytes
  }
  const original = crypto.hkdfSync
  Object.assign(crypto, { hkdfSync: recording })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(crypto, { hkdfSync: original })
    syncBuiltinESMExports()
  })
  createKeyring([secret], binding)
  const left = derived.filter((bytes) => Buffer.from(bytes).some((byte) => byte !== 0))
  t.equal(derived.length, 4, 'the key id and one key for each purpose')
  t.equal(left.length, 1, 'the key id is not secret')
})

t.test('tokens carry nothing of the secret', async (t) => {
  const kid = keyring.ids[0]!
  t.match(kid, /^[\w-]{6}$/)
  t.not(kid, secret.toString('base64url').slice(0, 6))
  t.not(kid, createHash('sha256').update(secret).digest('base64url').slice(0, 6))
})
