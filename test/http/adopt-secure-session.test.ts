import crypto from 'node:crypto'
import t from 'tap'
import { fromSecureSession } from '../../lib/adopt.js'
import { findDeriveKey } from '../../lib/adopt/argon2.js'
import { adoptionSuite } from '../support/adoption-suite.js'
import { OLD_KEY, OLDER_KEY, secureSessionApplication, untyped } from '../support/old-applications.js'

t.test('sessions of @fastify/secure-session, whose application runs beside ours', async (t) => await adoptionSuite(t, secureSessionApplication, OLDER_KEY))

t.test('its secret and salt make the same key as there, with the default salt and with one of its own', async (t) => {
  for (const more of [{}, { salt: 'sixteen-bytes-xx' }, { salt: Buffer.alloc(16, 7) }]) {
    const { signIn } = await secureSessionApplication(t, { old: { key: undefined, secret: OLD_KEY, ...more } })
    const [, value] = await signIn('ann')
    const adopter = fromSecureSession({ cookie: 'secure', until: new Date(Date.now() + 1000), secret: OLD_KEY, ...more, map: (old) => ({ userId: old.user }) })
    t.match(await adopter.read(decodeURIComponent(value), {} as never), { data: { userId: 'ann' } })
  }
})

t.test('Node and sodium-native make one key', async (t) => {
  const [secret, salt] = [Buffer.from(OLD_KEY), Buffer.alloc(16, 7)]
  const native = findDeriveKey({}, () => untyped('sodium-native'))(secret, salt)
  t.same(findDeriveKey()(secret, salt), native)
  if ('argon2Sync' in crypto) t.same(findDeriveKey(crypto as never)(secret, salt), native)
})
