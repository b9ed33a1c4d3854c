import t from 'tap'
import fc from 'fast-check'
import { NONCE, TAG } from '../../../lib/tokens/cipher.js'
import { readText } from '../../support/documents.js'
import { cipher } from '../../support/tokens.js'

interface Vector { key: string, nonce: string, associated: string, message: string, sealed: string }
type Row = [id: number, valid: boolean, key: string, nonce: string, associated: string, message: string, sealed: string]

const published = JSON.parse(readText('test/vectors/xchacha20-poly1305.json')) as { libsodium: Vector[], wycheproof: Row[] }
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const hex = (found: Uint8Array | null) => found && Buffer.from(found).toString('hex')

t.test('S-11.2.1: the vectors of libsodium itself hold', async (t) => {
  for (const { key, nonce, associated, message, sealed } of published.libsodium) {
    t.equal(hex(cipher.seal(bytes(message), bytes(associated), bytes(nonce), bytes(key))), sealed)
    t.equal(hex(cipher.open(bytes(sealed), bytes(associated), bytes(nonce), bytes(key))), message)
  }
  t.equal(published.libsodium.length, 2)
})

t.test('S-11.2.1: the vectors of Wycheproof hold, the first of them that of the draft', async (t) => {
  let opened = 0
  for (const [id, valid, key, nonce, associated, message, sealed] of published.wycheproof) {
    const found = hex(cipher.open(bytes(sealed), bytes(associated), bytes(nonce), bytes(key)))
    if (found !== (valid ? message : null)) t.fail(`vector ${id} is ${String(found)}`)
    if (!valid) continue
    opened++
    if (hex(cipher.seal(bytes(message), bytes(associated), bytes(nonce), bytes(key))) !== sealed) t.fail(`vector ${id} is sealed differently`)
  }
  t.strictSame([published.wycheproof.length, opened], [297, 228])
})

const key = Buffer.alloc(32, 7)
const nonce = Buffer.alloc(NONCE, 8)
const associated = Buffer.from('associated')

t.test('K-34: a tag that is cut, or lies elsewhere, is refused', async (t) => {
  for (const body of [Buffer.alloc(0), Buffer.from('text')]) {
    const sealed = cipher.seal(body, associated, nonce, key)
    t.equal(sealed.length, body.length + TAG)
    for (let length = 0; length < sealed.length; length++) t.equal(cipher.open(sealed.subarray(0, length), associated, nonce, key), null)
    t.equal(cipher.open(Buffer.concat([sealed, Buffer.of(0)]), associated, nonce, key), null)
  }
})

t.test('what is wrong in any part is refused and never throws: ciphertext, associated data, nonce, key', async (t) => {
  const part = fc.uint8Array({ maxLength: 100 })
  fc.assert(fc.property(part, part, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(3), (body, along, at, change, which) => {
    const parts = [cipher.seal(body, along, nonce, key), along, nonce, key].map((bytes) => Buffer.from(bytes)) as [Buffer, Buffer, Buffer, Buffer]
    const wrong = parts[which]!
    if (wrong.length === 0) parts[which] = Buffer.of(change)
    else wrong[at % wrong.length]! ^= change
    return cipher.open(...parts) === null
  }))
  t.equal(cipher.open(Buffer.alloc(40), associated, nonce, Buffer.alloc(31)), null, 'a key that is too short')
})

t.test('what is opened lies in memory of its own: nothing that is opened later writes over it', async (t) => {
  const sealed = cipher.seal(Buffer.from('first'), associated, nonce, key)
  const first = cipher.open(sealed, associated, nonce, key)!
  cipher.open(cipher.seal(Buffer.from('other'), associated, nonce, key), associated, nonce, key)
  t.equal(Buffer.from(first).toString(), 'first')
  t.equal(first.buffer.byteLength, first.length)
})
