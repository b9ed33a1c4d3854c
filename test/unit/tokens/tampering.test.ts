import t from 'tap'
import { createKeyring } from '../../../lib/tokens/keyring.js'
import type { Purpose } from '../../../lib/tokens/keyring.js'

const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const keyring = createKeyring(secrets, { application: 'shop', session: 'session', cookie: '__Host-Http-session' })
const kid = keyring.ids[0]!
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const formats: readonly Purpose[] = ['sealed', 'readable', 'reference']

// The example of the security bar: 300 bytes. A reference has one length only.
const body = (format: Purpose, fill: number) => Buffer.alloc(format === 'reference' ? 38 : 300, fill)

for (const format of formats) {
  const tokens = keyring[format]
  const token = tokens.write(body(format, 1))
  const head = token.slice(0, 7)
  const raw = Buffer.from(token.slice(7), 'base64url')
  const accepted = (candidates: Iterable<string>) => {
    const found: string[] = []
    let tried = 0
    for (const candidate of candidates) {
      tried++
      if (candidate !== token && tokens.read(candidate) !== null) found.push(candidate)
    }
    return { found, tried }
  }

  t.test(`no ${format} token survives a change (R-40)`, async (t) => {
    t.same(tokens.read(token), { body: body(format, 1), stale: false }, 'unchanged it is read')

    t.test('every flipped bit of what the base64url stands for', async (t) => {
      const { found, tried } = accepted(function * () {
        for (let bit = 0; bit < raw.length * 8; bit++) {
          const flipped = Buffer.from(raw)
          flipped[bit >> 3]! ^= 1 << (bit & 7)
          yield head + flipped.toString('base64url')
        }
      }())
      t.same(found, [])
      t.equal(tried, raw.length * 8)
    })

    t.test('every flipped bit of the characters themselves', async (t) => {
      t.same(accepted(function * () {
        for (let bit = 0; bit < token.length * 8; bit++) {
          const flipped = Buffer.from(token, 'latin1')
          flipped[bit >> 3]! ^= 1 << (bit & 7)
          yield flipped.toString('latin1')
        }
      }()).found, [])
    })

    t.test('every character in place of every other', async (t) => {
      const { found, tried } = accepted(function * () {
        for (let at = 0; at < token.length; at++) {
          for (const character of BASE64URL) yield token.slice(0, at) + character + token.slice(at + 1)
        }
      }())
      t.same(found, [])
      t.equal(tried, token.length * 64)
    })

    t.test('every truncation, at the end, at the start and in the middle', async (t) => {
      t.same(accepted(function * () {
        for (let length = 0; length < token.length; length++) {
          yield token.slice(0, length)
          yield token.slice(token.length - length)
          yield head + token.slice(7 + length)
          yield token.slice(0, length) + token.slice(length + 1)
        }
        for (let length = 0; length < raw.length; length++) {
          yield head + raw.toString('base64url', 0, length)
          yield head + raw.toString('base64url', length)
        }
      }()).found, [], 'also where the rest is canonical base64url')
    })

    t.test('every byte or character more', async (t) => {
      t.same(accepted(function * () {
        for (let at = 0; at <= token.length; at++) {
          for (const character of ['A', '_', '=', '.', ' ', '\n', '\0', 'é']) yield token.slice(0, at) + character + token.slice(at)
        }
        for (let byte = 0; byte < 256; byte++) yield head + Buffer.concat([raw, Buffer.of(byte)]).toString('base64url')
      }()).found, [])
    })

    t.test('segments swapped between two tokens', async (t) => {
      const other = tokens.write(body(format, 2))
      const { found } = accepted(function * () {
        for (let at = 8; at < token.length; at++) {
          yield token.slice(0, at) + other.slice(at)
          yield other.slice(0, at) + token.slice(at)
        }
      }())
      t.same(found.filter((candidate) => candidate !== other), [])
    })

    t.test('another version or key id', async (t) => {
      t.same(accepted(function * () {
        for (const version of BASE64URL) yield version + token.slice(1)
        yield token[0] + keyring.ids[1]! + token.slice(7)
        for (let at = 0; at < kid.length; at++) {
          for (const character of BASE64URL) yield token[0] + kid.slice(0, at) + character + kid.slice(at + 1) + token.slice(7)
        }
      }()).found, [])
    })
  })
}

t.test('what is not a string is no token and no exception', async (t) => {
  for (const format of formats) {
    for (const value of [undefined, null, 1, {}, [], ['1'], Buffer.from('1'), Symbol('1'), Object(keyring[format].write(body(format, 1)))]) {
      t.equal(keyring[format].read(value as string), null)
    }
  }
})
