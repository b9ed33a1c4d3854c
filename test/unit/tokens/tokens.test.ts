import t from 'tap'
import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import type { Binding } from '../../../lib/tokens/derivation.js'
import { createKeyring } from '../../../lib/tokens/keyring.js'
import { keyrings, kindNames, kinds } from '../../support/tokens.js'

const binding: Binding = { application: 'shop', session: 'session', cookie: '__Host-Http-session' }
const secret = randomBytes(32)
const keyring = keyrings([secret], binding)
const reference = fc.uint8Array({ minLength: 38, maxLength: 38 })
const bodies = { sealed: fc.uint8Array({ maxLength: 500 }), reference, bound: reference, offer: reference }

for (const kind of kindNames) {
  const tokens = keyring[kind]

  t.test(`a ${kind} token is read back, has the announced size and the cookie alphabet (S-ck1)`, async (t) => {
    fc.assert(fc.property(bodies[kind], (body) => {
      const token = tokens.write(body)
      const opened = tokens.read(token)
      return opened !== null && opened.body.equals(body) && !opened.stale &&
        token.length === tokens.size(body.length) && /^[A-Za-z0-9_-]+$/.test(token)
    }), { numRuns: 500 })
    t.pass()
  })

  t.test(`random text is no ${kind} token and no exception (R-41)`, async (t) => {
    const token = tokens.write(Buffer.alloc(38, 1))
    const base64url = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    // Right up to the key id, so that the noise gets as far as the cryptography.
    const headed = fc.oneof(base64url, fc.string({ unit: 'binary' })).map((rest) => token.slice(0, 7) + rest)
    const sized = fc.uint8Array({ minLength: 54, maxLength: 54 }).map((bytes) => token.slice(0, 7) + Buffer.from(bytes).toString('base64url'))
    const spliced = fc.tuple(fc.nat(token.length), fc.nat(10), fc.string({ unit: 'binary', minLength: 1 }))
      .map(([at, removed, text]) => token.slice(0, at) + text + token.slice(at + removed))
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), base64url, headed, sized, spliced), (text) =>
      text === token || tokens.read(text) === null
    ), { numRuns: 5_000 })
    t.pass()
  })

  t.test(`a ${kind} token that asks for another secret names it, and nothing else does`, async (t) => {
    const token = tokens.write(Buffer.alloc(38))
    const stranger = createKeyring([randomBytes(32)], binding, kinds[kind])
    t.equal(tokens.unknownKey(stranger.write(Buffer.alloc(38))), stranger.ids[0])
    t.equal(tokens.unknownKey(token), null, 'its own')
    t.equal(tokens.unknownKey(`${token.slice(0, -2)}AA`), null, 'a forgery')
    const other = kind === 'sealed' ? 'reference' : 'sealed'
    t.equal(tokens.unknownKey(keyrings([randomBytes(32)], binding)[other].write(Buffer.alloc(38))), null, 'another kind of token')
    for (const id of ['abcde', 'abc ef', 'abc\nef', 'abc%ef', 'abcdeé', '']) t.equal(tokens.unknownKey((token[0]! + id).padEnd(token.length, ' ')), null, id)
    for (const value of [undefined, null, 1, {}]) t.equal(tokens.unknownKey(value as never), null)
  })
}

t.test('what is not a string is no token and no exception', async (t) => {
  for (const kind of kindNames) {
    const token = keyring[kind].write(Buffer.alloc(38, 1))
    for (const value of [undefined, null, 1, {}, [], ['1'], Buffer.from('1'), Symbol('1'), Object(token)]) t.equal(keyring[kind].read(value as string), null)
  }
})

t.test('sealing the same again gives another token (S-7.2.2)', async (t) => {
  const body = Buffer.from('{"userId":"u1"}')
  t.equal(new Set(Array.from({ length: 10_000 }, () => keyring.sealed.write(body))).size, 10_000)
})

t.test('a sealed token hides its body, a reference does not', async (t) => {
  const body = Buffer.from('something to be found, of 38 characters')
  const bytes = (token: string) => Buffer.from(token.slice(7), 'base64url')
  t.notOk(bytes(keyring.sealed.write(body)).includes(body))
  t.ok(bytes(keyring.reference.write(body.subarray(0, 38))).includes(body.subarray(0, 38)))
})

t.test('a reference has one length, anything else is a mistake of the caller', async (t) => {
  for (const length of [0, 37, 39]) t.throws(() => keyring.reference.write(Buffer.alloc(length)), RangeError)
  t.equal(keyring.reference.size(38), 7 + 72, 'no spare bits')
})

t.test('a token is accepted only for the purpose and binding it was made for (S-9.2.2)', async (t) => {
  const names = ['', 'a', 'ab', 'session']
  const cells = kindNames.flatMap((kind) => names.flatMap((application) => names.flatMap((session) => names.map((cookie) =>
    createKeyring([secret], { application, session, cookie }, kinds[kind])))))
  const body = Buffer.alloc(38, 1)
  const written = cells.map((tokens) => tokens.write(body))
  const accepted: string[] = []
  for (const [row, token] of written.entries()) {
    for (const [column, tokens] of cells.entries()) if (tokens.read(token)) accepted.push(`${row} ${column}`)
  }
  t.same(accepted, cells.map((_, index) => `${index} ${index}`), 'the diagonal and nothing else')
  t.equal(cells.length ** 2, 65_536)
})

t.test('the version character alone does not make one kind into another (S-9.2.2)', async (t) => {
  for (const from of kindNames) {
    for (const to of kindNames.filter((kind) => kind !== from)) {
      t.equal(keyring[to].read(kinds[to].version + keyring[from].write(Buffer.alloc(38)).slice(1)), null, `${from} as ${to}`)
    }
  }
})

t.test('names that share a long beginning are told apart, too long or broken ones are refused (K-62)', async (t) => {
  for (const field of ['application', 'session', 'cookie'] as const) {
    const tokens = (value: string) => createKeyring([secret], { ...binding, [field]: value }, kinds.sealed)
    const long = 'x'.repeat(511)
    t.equal(tokens(`${long}a`).read(tokens(`${long}b`).write(Buffer.alloc(1))), null)
    t.throws(() => tokens(`${long}ab`), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: field })
    t.throws(() => tokens('\ud800'), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: field }, 'UTF-8 would make it U+FFFD')
  }
})

t.test('a keyring shows neither secrets nor keys, and cannot be changed', async (t) => {
  for (const kind of kindNames) {
    const tokens = keyring[kind]
    const info = Buffer.concat(['fastify-typed-session/v1', kinds[kind].version, kind, 'session'].flatMap((part) => [Buffer.of(0, part.length), Buffer.from(part)]))
    tokens.read(tokens.write(Buffer.alloc(38)))
    const shown = [
      inspect(tokens, { depth: Infinity, showHidden: true, getters: true, maxArrayLength: null }),
      JSON.stringify(tokens),
      JSON.stringify(Object.values(tokens)),
      String(Object.getOwnPropertyNames(tokens))
    ].join('\n')
    for (const key of [secret, Buffer.from(hkdfSync('sha256', secret, '', info, 32))]) {
      for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) t.notOk(shown.includes(key.toString(encoding)))
      t.notOk(shown.includes(key.toString('hex').replace(/..(?!$)/g, '$& ')))
      t.notOk(shown.includes([...key].join(',')))
    }
    t.notMatch(shown, /<Buffer|Uint8Array|Cipher|Map/)
    t.throws(() => { Object.assign(tokens, { read: () => null }) }, TypeError)
    t.throws(() => { Object.assign(tokens.ids, ['other']) }, TypeError)
  }
})

t.test('tokens carry nothing of the secret', async (t) => {
  const kid = keyring.sealed.ids[0]!
  t.equal(keyring.reference.ids[0], kid, 'one name for each secret')
  t.match(kid, /^[\w-]{6}$/)
  t.not(kid, secret.toString('base64url').slice(0, 6))
  t.not(kid, createHash('sha256').update(secret).digest('base64url').slice(0, 6))
})
