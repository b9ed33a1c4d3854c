import t from 'tap'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createKeyring, type Keyring } from '../../../lib/tokens/keyring.js'
import { kindNames, kinds } from '../../support/tokens.js'

const binding = { application: '', session: 'session', cookie: '__Host-Http-session' }
const [k1, k2, k3] = [randomBytes(32), randomBytes(48), randomBytes(64)] as const
const body = Buffer.alloc(38, 5)

for (const format of kindNames) {
  const make = (secrets: readonly Buffer[]) => createKeyring(secrets, binding, kinds[format])

  t.test(`${format} tokens outlive a change of secrets as long as theirs is configured (R-30)`, async (t) => {
    const before = make([k1])
    const during = make([k3, k2, k1])
    const after = make([k3])
    const token = before.write(body)
    t.same(before.read(token), { body, stale: false })
    t.same(during.read(token), { body, stale: true }, 'to be written anew')
    t.same(during.read(make([k2]).write(body)), { body, stale: true })
    t.equal(after.read(token), null)
    t.same(after.read(during.write(body)), { body, stale: false })
  })

  t.test(`${format} tokens are always written with the newest secret (K-27)`, async (t) => {
    const keyring = make([k2, k3, k1])
    const kids = new Set(Array.from({ length: 100 }, () => keyring.write(body).slice(1, 7)))
    t.same([...kids], [keyring.ids[0]])
    t.same(keyring.ids[0], make([k2]).ids[0])
  })

  t.test(`a ${format} token that names another configured secret is not tried with its own`, async (t) => {
    const keyring = make([k1, k2])
    const token = keyring.write(body)
    t.equal(keyring.read(token[0] + keyring.ids[1]! + token.slice(7)), null)
  })
}

t.test('every byte of a secret counts (K-62)', async (t) => {
  for (const shared of [32, 64, 72, 1000]) {
    const start = randomBytes(shared)
    for (const format of kindNames) {
      const [first, ...others] = ['a', 'b', 'ab', ''].map((end) => createKeyring([Buffer.concat([start, Buffer.from(end)])], binding, kinds[format])) as [Keyring, ...Keyring[]]
      t.equal(new Set([first, ...others].map(({ ids }) => ids[0])).size, 4, `${shared} bytes shared, kids`)
      const token = first.write(body)
      // Under the same kid, so that it is the key that refuses.
      const readable = others.filter((other) => other.read(token[0] + other.ids[0]! + token.slice(7)))
      t.equal(readable.length, 0, `${shared} bytes shared, ${format}`)
    }
  }
})

t.test('the ids are those of the secrets in order, and say the same for every session', async (t) => {
  fc.assert(fc.property(fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 40 }), { minLength: 1, maxLength: 5, selector: String }), (list) => {
    const secrets = list.map((secret) => Buffer.from(secret))
    const { ids } = createKeyring(secrets, { ...binding, session: 'other' }, kinds.sealed)
    return ids.join() === secrets.map((secret) => createKeyring([secret], binding, kinds.reference).ids[0]).join()
  }), { numRuns: 50 })
  t.pass()
})

t.test('two secrets with one key id are refused, as is no secret', async (t) => {
  t.throws(() => createKeyring([k1, k2, Buffer.from(k1)], binding, kinds.reference), { code: 'FST_TYPED_SESSION_INVALID_SECRET' })
  t.throws(() => createKeyring([], binding, kinds.reference), { code: 'FST_TYPED_SESSION_INVALID_SECRET' })
})

t.test('a keyring keeps no hold on the secrets it was given', async (t) => {
  for (const format of kindNames) {
    const secret = Buffer.from(k1)
    const keyring = createKeyring([secret], binding, kinds[format])
    secret.fill(0)
    t.ok(createKeyring([k1], binding, kinds[format]).read(keyring.write(body)), format)
  }
})
