import t from 'tap'
import crypto, { createHash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { createXaes, SEALS_PER_KEY, XAES_OVERHEAD } from '../../../lib/tokens/xaes.js'

// https://c2sp.org/XAES-256-GCM, "Test vectors"
const published = [
  {
    name: 'first bit of L is 0', key: 0x01, associated: '', sealed: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'
  },
  {
    name: 'first bit of L is 1', key: 0x03, associated: 'c2sp.org/XAES-256-GCM', sealed: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'
  }
]
const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
const plaintext = Buffer.from('XAES-256-GCM')

for (const { name, key, associated, sealed } of published) {
  t.test(`the published vector holds, ${name} (S-11.2.1)`, async (t) => {
    const xaes = createXaes(Buffer.alloc(32, key))
    const message = xaes.seal(plaintext, Buffer.from(associated), nonce)
    t.equal(message.toString('hex'), nonce.toString('hex') + sealed)
    t.same(xaes.open(message, Buffer.from(associated)), plaintext)
  })
}

t.test('the published accumulated vector of 10,000 random messages holds (S-11.2.1)', async (t) => {
  const stream = createHash('shake128', { outputLength: 10_000 * (32 + 24 + 1 + 255 + 1 + 255) }).digest()
  t.equal(stream.toString('hex', 0, 16), '7f9c2ba4e88f827d616045507605853e', 'the stream that the specification means')
  let at = 0
  const read = (count: number) => {
    at += count
    return stream.subarray(at - count, at)
  }
  const digest = createHash('shake128', { outputLength: 32 })
  let opened = 0
  for (let i = 0; i < 10_000; i++) {
    const xaes = createXaes(read(32))
    const nonce = read(24)
    const plaintext = read(read(1)[0]!)
    const associated = read(read(1)[0]!)
    const sealed = xaes.seal(plaintext, associated, nonce)
    digest.update(sealed.subarray(24))
    if (xaes.open(sealed, associated)?.equals(plaintext)) opened++
  }
  t.equal(digest.digest('hex'), 'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939')
  t.equal(opened, 10_000)
})

const xaes = createXaes(Buffer.alloc(32, 7))
const associated = Buffer.from('associated')

t.test('a tag cut to any length is refused (K-34)', async (t) => {
  // An empty plaintext as well: there the cut message is nothing but nonce and short tag.
  for (const plaintext of [Buffer.alloc(0), Buffer.from('text')]) {
    const sealed = xaes.seal(plaintext, associated)
    t.same(xaes.open(sealed, associated), plaintext)
    t.equal(sealed.length, plaintext.length + XAES_OVERHEAD)
    const accepted = Array.from(sealed.keys()).filter((length) => xaes.open(sealed.subarray(0, length), associated) !== null)
    t.same(accepted, [])
  }
})

t.test('every single flipped bit is refused, with the derived key kept or not', async (t) => {
  const sealed = xaes.seal(Buffer.from('text'), associated)
  const cold = createXaes(Buffer.alloc(32, 7))
  const accepted: number[] = []
  t.ok(xaes.open(sealed, associated), 'from here on the key of this message is kept')
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if (xaes.open(flipped, associated) ?? cold.open(flipped, associated)) accepted.push(bit)
  }
  t.same(accepted, [])
  t.same(cold.open(sealed, associated), Buffer.from('text'), 'forgeries leave nothing behind')
})

t.test('a message opens only with its own key and associated data', async (t) => {
  const sealed = xaes.seal(Buffer.from('text'), associated)
  t.same(xaes.open(sealed, associated), Buffer.from('text'))
  t.equal(createXaes(Buffer.alloc(32, 8)).open(sealed, associated), null)
  for (const other of ['', 'associate', 'associated ', 'Associated']) t.equal(xaes.open(sealed, Buffer.from(other)), null, other)
})

t.test('a derived key serves a bounded number of messages, each with a nonce of its own (S-11.3.4)', async (t) => {
  const xaes = createXaes(Buffer.alloc(32, 9))
  const halves = new Map<string, number>()
  const nonces = new Set<string>()
  const total = SEALS_PER_KEY * 2 + 1
  for (let i = 0; i < total; i++) {
    const sealed = xaes.seal(Buffer.alloc(0), associated)
    const half = sealed.toString('hex', 0, 12)
    halves.set(half, (halves.get(half) ?? 0) + 1)
    nonces.add(sealed.toString('hex', 12, 24))
  }
  t.same([...halves.values()], [SEALS_PER_KEY, SEALS_PER_KEY, 1])
  t.equal(nonces.size, total)
})

t.test('what one process sealed another opens', async (t) => {
  const other = createXaes(Buffer.alloc(32, 7))
  const lengths = Array.from({ length: 50 }, (_, length) => length)
  const opened = lengths.map((length) => other.open(xaes.seal(Buffer.alloc(length, length), associated), associated)?.toString('hex'))
  t.same(opened, lengths.map((length) => Buffer.alloc(length, length).toString('hex')))
})

/** How often `run` derives a key: each derivation makes one KeyObject, and nothing else here does. */
function derivations (run: () => void): number {
  const original = crypto.createSecretKey
  let count = 0
  const counting = (key: NodeJS.ArrayBufferView) => {
    count++
    return original(key)
  }
  Object.assign(crypto, { createSecretKey: counting })
  syncBuiltinESMExports()
  try {
    run()
  } finally {
    Object.assign(crypto, { createSecretKey: original })
    syncBuiltinESMExports()
  }
  return count
}

t.test('a derived key is kept for opening once a message was authentic, and forgeries push none out', async (t) => {
  const xaes = createXaes(Buffer.alloc(32, 7))
  const message = (nonce: Buffer) => xaes.seal(Buffer.from('text'), associated, nonce)
  const nonces = Array.from({ length: 1001 }, (_, index) => Buffer.alloc(24, `${index}.`))
  const messages = nonces.map(message)
  const open = (sealed: Buffer) => { xaes.open(sealed, associated) }
  t.equal(derivations(() => { open(messages[0]!) }), 1)
  t.equal(derivations(() => { open(messages[0]!) }), 0)
  const forged = messages.map((message, index) => Buffer.concat([crypto.randomBytes(12), message.subarray(12)]).fill(index, 24))
  t.equal(derivations(() => { forged.forEach(open) }), forged.length)
  t.equal(derivations(() => { forged.forEach(open) }), forged.length, 'none of them was kept')
  t.equal(derivations(() => { open(messages[0]!) }), 0, 'this one still is')
  t.equal(derivations(() => { messages.forEach(open) }), 1000, 'the others are kept too')
  t.equal(derivations(() => { open(messages[0]!) }), 1, 'up to 1000 of them')
})

t.test('sealing derives one key for many messages', async (t) => {
  const xaes = createXaes(Buffer.alloc(32, 7))
  const seal = (times: number) => () => { for (let i = 0; i < times; i++) xaes.seal(Buffer.alloc(0), associated) }
  t.equal(derivations(seal(SEALS_PER_KEY)), 1)
  t.equal(derivations(seal(1)), 1)
})

t.test('a key of another length is refused', async (t) => {
  for (const length of [0, 16, 31, 33, 64]) t.throws(() => createXaes(Buffer.alloc(length)), String(length))
})
