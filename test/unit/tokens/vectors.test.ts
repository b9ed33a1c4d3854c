import t from 'tap'
import { associatedData, type Binding, keyId, purposeKey } from '../../../lib/tokens/derivation.js'
import { createKeyring } from '../../../lib/tokens/keyring.js'
import { readText } from '../../support/documents.js'
import { cipher, type KindName, kinds } from '../../support/tokens.js'

interface Vector extends Binding { format: KindName, secret: string, body: string, nonce?: string, token: string }
interface Rejected { format: KindName, reason: string, token: string }
interface Corpus { tokens: Vector[], rejectedBy: Binding & { secret: string }, rejected: Rejected[] }

// Frozen. Made once by vectors/v1.py, an implementation of its own on another stack. A failure here means that sessions of
// people who are logged in would end: give a changed format a new version character, do not make v1.json anew.
const corpus = JSON.parse(readText('test/vectors/v1.json')) as Corpus
const bytes = (hex: string) => Buffer.from(hex, 'hex')

t.test('every frozen token is read, and its body comes out', async (t) => {
  for (const { format, secret, body, token, ...binding } of corpus.tokens) {
    const keyring = createKeyring([bytes(secret)], binding, kinds[format])
    t.same(keyring.read(token), { body: bytes(body), stale: false }, `${format}, ${body.length / 2} bytes, ${binding.session}`)
    t.equal(keyring.size(body.length / 2), token.length)
  }
  t.equal(corpus.tokens.length, 21)
})

t.test('every frozen token is written again, character for character', async (t) => {
  for (const { format, secret, body, token, nonce, ...binding } of corpus.tokens) {
    if (nonce === undefined) {
      t.equal(createKeyring([bytes(secret)], binding, kinds[format]).write(bytes(body)), token)
    } else {
      const kid = keyId(bytes(secret))
      const kind = kinds[format]
      const sealed = cipher.seal(bytes(body), associatedData(kind, binding, kid), bytes(nonce), purposeKey(bytes(secret), kind, binding.session))
      t.equal(`4${kid}${Buffer.concat([bytes(nonce), sealed]).toString('base64url')}`, token)
    }
  }
})

t.test('every frozen token of a device is read and written', async (t) => {
  const { tokens } = JSON.parse(readText('test/vectors/devices.json')) as Pick<Corpus, 'tokens'>
  for (const { format, secret, body, token, ...binding } of tokens) {
    const keyring = createKeyring([bytes(secret)], binding, kinds[format])
    t.same(keyring.read(token), { body: bytes(body), stale: false })
    t.equal(keyring.write(bytes(body)), token)
  }
  t.equal(tokens.length, 12)
})

t.test('every frozen forgery is refused', async (t) => {
  const { secret, ...binding } = corpus.rejectedBy
  const accepted = corpus.rejected.filter(({ format, token }) => createKeyring([bytes(secret)], binding, kinds[format]).read(token) !== null)
  t.same(accepted.map(({ format, reason }) => `${format}: ${reason}`), [])
  t.equal(corpus.rejected.length, 225)
})
