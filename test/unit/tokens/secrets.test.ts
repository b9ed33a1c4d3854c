import t from 'tap'
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { parseSecrets } from '../../../lib/tokens/secrets.js'

const good = Buffer.from('9f1c06d7f3a25e84b0cd417a6e2f985310bb7ce6a4d8023f6691ec5a87f4d209', 'hex')
const other = Buffer.from('27e05bd1c94f8a3670b2de155c9e04f8ad631f92780ce4b6539ac817f02de46b', 'hex')
const code = 'FST_TYPED_SESSION_INVALID_SECRET'
const KEYGEN = /npx fastify-typed-session keygen$/

const spellings: Record<string, unknown> = {
  Buffer: good,
  Uint8Array: new Uint8Array(good),
  base64url: good.toString('base64url'),
  'base64url with padding': `${good.toString('base64url')}=`,
  base64: good.toString('base64'),
  'base64 without padding': good.toString('base64').replace('=', ''),
  hex: good.toString('hex'),
  'capital hex': good.toString('hex').toUpperCase(),
  'a line of a file': `${good.toString('base64url')}\n`,
  'a line of a file from Windows, with its mark': `\uFEFF${good.toString('hex')}\r\n`,
  'base64 with spaces around': ` ${good.toString('base64')} `
}
for (const [name, spelling] of Object.entries(spellings)) {
  t.test(`a secret may be given as ${name}, alone or in a list`, async (t) => {
    t.same(parseSecrets(spelling), [good])
    t.same(parseSecrets([other, spelling]), [other, good], 'newest first, as given')
  })
}

t.test('random secrets of any length from 32 bytes are taken whole, in every spelling (K-62)', async (t) => {
  // From the system, not from fast-check: its bytes lean towards 0 and 255, which is what has to be refused.
  for (let i = 0; i < 2000; i++) {
    const secret = randomBytes(32 + i % 100)
    const spellings = [secret, ...(['base64url', 'base64', 'hex'] as const).map((encoding) => secret.toString(encoding))]
    for (const spelling of spellings) if (!parseSecrets(spelling)[0]!.equals(secret)) t.fail(String(spelling))
  }
  t.pass()
})

t.test('what is returned is a copy', async (t) => {
  const given = Buffer.from(good)
  const [parsed] = parseSecrets(given)
  given.fill(0)
  t.same(parsed, good)
})

const ascending = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
const refused: Array<[name: string, secret: unknown, why: RegExp]> = [
  ['nothing', undefined, /it is missing/],
  ['null', null, /it is missing/],
  ['an unset environment variable', '', /it is missing/],
  ['a number', 42, /neither a string nor a Buffer/],
  ['an object', { secret: good }, /neither a string nor a Buffer/],
  ['a function', () => good, /neither a string nor a Buffer/],
  ['other binary data', new Uint16Array(32), /neither a string nor a Buffer/],
  ['bytes alone', good.buffer, /neither a string nor a Buffer/],
  ['an empty list', [], /list is empty/],

  ['no bytes', Buffer.alloc(0), /has 0 bytes, at least 32/],
  ['31 bytes', good.subarray(1), /has 31 bytes, at least 32/],
  ['31 bytes of base64url', good.subarray(0, 31).toString('base64url'), /has 31 bytes/],
  ['24 bytes of hex, which would also be 36 of base64url', good.toString('hex', 0, 24), /has 24 bytes/],
  ['one letter', 'Aa', /has 1 bytes/],

  ['a passphrase', 'correct horse battery staple, and then some more of it', /neither base64url nor hex/],
  ['a passphrase of base64url characters', 'correct-horse-battery-staple-and-then-some-words', /neither base64url nor hex/],
  ['the example of @fastify/session', 'a secret with minimum length of 32 characters', /neither base64url nor hex/],
  ['the example of @fastify/secure-session', 'averylogphrasebiggerthanthirtytwochars', /neither base64url nor hex/],
  ['several in one text', `${other.toString('hex')},${good.toString('base64url')}`, /has a comma\. Several secrets are a list.*split/],
  ['several, with spaces', 'a , b', /has a comma/],
  ['base32, which would also be base64url', 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPIYTEMZUGU3DOOBZ', /neither base64url nor hex/],
  ['an odd number of hex digits', `${good.toString('hex')}a`, /neither base64url nor hex/],
  ['hex with a prefix', `0x${good.toString('hex')}`, /neither base64url nor hex/],
  ['white space', ' \n', /it is missing/],
  ['white space inside', good.toString('base64url').replace(/(?<=^.{20})/, '\n'), /neither base64url nor hex/],
  ['quotation marks', `"${good.toString('base64url')}"`, /neither base64url nor hex/],
  ['too much padding', `${good.toString('base64')}=`, /neither base64url nor hex/],
  ['both alphabets of base64', `-/${good.toString('base64url')}`, /neither base64url nor hex/],
  ['spare bits', `${good.toString('base64url').slice(0, -1)}R`, /neither base64url nor hex/],
  ['a length that no bytes have', `${good.toString('base64url')}AA`, /neither base64url nor hex/],

  ['zeros', Buffer.alloc(32), /repeats itself/],
  ['one byte', Buffer.alloc(64, 0xa7), /repeats itself/],
  ['one byte as hex', 'a7'.repeat(32), /repeats itself/],
  ['two halves that are alike', Buffer.concat([good.subarray(0, 16), good.subarray(0, 16)]), /repeats itself/],
  ['seven bytes over and over, not ending with them', Buffer.alloc(40, good.subarray(0, 7)), /repeats itself/],
  ['few different bytes', createHash('sha512').update('').digest().map((byte) => good[byte % 15]!), /repeats itself/],
  ['00 01 02', ascending, /is a sequence/],
  ['00 01 02 in hex', ascending.toString('hex'), /is a sequence/],
  ['1f 1e 1d', Buffer.from(ascending).reverse(), /is a sequence/],
  ['00 11 22 and again', Buffer.from('00112233445566778899aabbccddeeff'.repeat(2), 'hex'), /repeats itself/],
  ['00 07 0e', Buffer.from(Array.from({ length: 48 }, (_, index) => index * 5)), /is a sequence/],
  ['mostly a sequence', Buffer.concat([ascending, good.subarray(0, 8)]), /is a sequence/],
  ['the alphabet', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', /is a sequence/],

  ['a passphrase as bytes', Buffer.from('correct horse battery staple, and then some more of it'), /holds text/],
  ['a passphrase as bytes, not English', Buffer.from('zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich'), /holds text/],
  ['a passphrase in base64', Buffer.from('correct horse battery staple, and then some more').toString('base64'), /holds text/],
  ['a passphrase in hex', Buffer.from('correct horse battery staple, and then some more').toString('hex'), /holds text/],
  ['base64url that was not decoded', Buffer.from(good.toString('base64url')), /holds text/],

  ['changeme', `changeMe${good.toString('base64url', 0, 30)}`, /well-known/],
  ['a template', `YOUR_SESSION_SECRET_${good.toString('base64url', 0, 30)}`, /well-known/],
  ['deadbeef', `deadbeef${good.toString('hex')}`, /well-known/]
]
for (const [name, secret, why] of refused) {
  t.test(`refused, with the reason and not the value: ${name}`, async (t) => {
    t.throws(() => parseSecrets(secret), { code, message: why })
    t.throws(() => parseSecrets(secret), { message: KEYGEN })
    if (Array.isArray(secret)) return
    // K-36: one good secret beside it helps nothing.
    t.throws(() => parseSecrets([good, secret]), { code, message: /secret\[1\]/ })
    t.throws(() => parseSecrets([secret, good]), { code, message: /secret\[0\]/ })
  })
}

t.test('a hole in the list and a list in the list are refused', async (t) => {
  t.throws(() => parseSecrets(Object.assign([], { 1: good })), { code, message: /secret\[0\] is missing/ })
  t.throws(() => parseSecrets([good, [other]]), { code, message: /secret\[1\] is neither/ })
})

t.test('the same secret twice is refused, however it is written', async (t) => {
  for (const again of Object.values(spellings)) {
    t.throws(() => parseSecrets([other, good, again]), { code, message: /secret\[2\] is the same as secret\[1\]/ })
  }
  t.same(parseSecrets([good, Buffer.concat([good, other])]).length, 2, 'a common beginning does not make them the same')
})

t.test('every secret is checked by itself: a list is accepted only if each of it is (K-36)', async (t) => {
  const short = fc.uint8Array({ maxLength: 31 }).map((bytes) => ({ secret: bytes as unknown, ok: false }))
  const fine = fc.nat().map(() => ({ secret: randomBytes(32) as unknown, ok: true }))
  fc.assert(fc.property(fc.array(fc.oneof(fine, fine, short), { minLength: 1, maxLength: 8 }), (list) => {
    const secrets = list.map(({ secret }) => secret)
    const first = list.findIndex(({ ok }) => !ok)
    if (first < 0) return parseSecrets(secrets).length === list.length
    try {
      parseSecrets(secrets)
      return false
    } catch (error) {
      return String(error).includes(`secret[${first}] has`)
    }
  }))
  t.pass()
})

t.test('whatever is given, the message does not repeat it and nothing else is thrown', async (t) => {
  fc.assert(fc.property(fc.oneof(fc.anything(), fc.string({ minLength: 8, unit: 'binary' })), (input) => {
    try {
      parseSecrets(input)
    } catch (error) {
      const { code: thrown, message } = error as Error & { code: string }
      return thrown === code && !(typeof input === 'string' && input.length > 7 && message.includes(input))
    }
    return true
  }), { numRuns: 1000 })
  t.pass()
})
