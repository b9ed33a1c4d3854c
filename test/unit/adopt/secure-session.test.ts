import crypto from 'node:crypto'
import sodium from 'libsodium-wrappers'
import t from 'tap'
import { fromSecureSession } from '../../../lib/adopt.js'
import { findDeriveKey } from '../../../lib/adopt/argon2.js'
import { OLD_KEY, OLDER_KEY, secureKey } from '../../support/old-applications.js'

await sodium.ready
const request = {} as never
const common = { cookie: 'session', until: new Date(Date.now() + 86_400_000), map: (old: object) => ({ old }) }
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const now = () => Math.round(Date.now() / 1000)

/** As secure-session does. */
function seal (text: string, key = OLD_KEY): string {
  const nonce = sodium.randombytes_buf(24)
  return `${base64(sodium.crypto_secretbox_easy(Buffer.from(text), nonce, secureKey(key)))};${base64(nonce)}`
}

t.test('every key opens, as bytes or base64, and what is opened has the age that it says', async (t) => {
  const { read } = fromSecureSession({ ...common, key: [secureKey(OLD_KEY), secureKey(OLDER_KEY).toString('base64')] })
  const at = now() - 86_400
  for (const key of [OLD_KEY, OLDER_KEY]) t.strictSame(await read(seal(`{"user":"ann","__ts":${at}}`, key), request), { data: { old: { user: 'ann' } }, createdAt: new Date(at * 1000) })
  t.equal(await read(seal(`{"__ts":${at - 2}}`), request), null)
  t.ok(await fromSecureSession({ ...common, key: secureKey(OLD_KEY), expiry: 90_000 }).read(seal(`{"__ts":${at - 2}}`), request))
  t.equal(await fromSecureSession({ ...common, key: secureKey(OLD_KEY), map: () => null }).read(seal(`{"__ts":${at}}`), request), null)
})

t.test('what is sealed and is no session is none', async (t) => {
  const { read } = fromSecureSession({ ...common, key: secureKey(OLD_KEY) })
  for (const text of ['', 'null', '7', '{}', '{"__ts":"1"}', '{"__ts":null}', '[', '[]']) t.equal(await read(seal(text), request), null, text)
})

t.test('a value has one form: any other spelling of its bytes is none', async (t) => {
  const { read } = fromSecureSession({ ...common, key: secureKey(OLD_KEY) })
  const value = seal(`{"user":"ann 1","__ts":${now()}}`)
  const [sealed = '', nonce = ''] = value.split(';')
  t.ok(await read(value, request))
  for (const other of [`${sealed};${nonce};`, `${sealed};${nonce};x`, `${sealed}=;${nonce}`, ` ${sealed};${nonce}`, `${sealed.replace(/=+$/, '')}\n;${nonce}`, `${sealed};${nonce}=`, sealed, `;${nonce}`, `${sealed};`, `${sealed};AAAA`, `AAAA;${nonce}`, '', ';']) {
    t.equal(await read(other, request), null, other)
  }
})

t.test('a key is made of secret and salt by Node, or by sodium-native, or nobody', async (t) => {
  const asked: unknown[] = []
  const argon2Sync = (algorithm: string, parameters: object) => { asked.push(algorithm, parameters); return Buffer.alloc(32, 1) }
  const [message, nonce] = [Buffer.from('message'), Buffer.alloc(16)]
  t.same(findDeriveKey({ argon2Sync })(message, nonce), Buffer.alloc(32, 1))
  t.strictSame(asked, ['argon2id', { message, nonce, parallelism: 1, tagLength: 32, memory: 262_144, passes: 3 }])
  const native = { crypto_pwhash_OPSLIMIT_MODERATE: 3, crypto_pwhash_MEMLIMIT_MODERATE: 4, crypto_pwhash_ALG_DEFAULT: 2, crypto_pwhash: (key: Buffer, ...rest: unknown[]) => { key.fill(2); t.strictSame(rest, [message, nonce, 3, 4, 2]) } }
  t.same(findDeriveKey({}, () => native)(message, nonce), Buffer.alloc(32, 2))
  const argon2 = crypto as Parameters<typeof findDeriveKey>[0]
  const bySodium = findDeriveKey({})(message, nonce)
  t.equal(bySodium.length, 32)
  if (argon2?.argon2Sync !== undefined) t.same(findDeriveKey()(message, nonce), bySodium, 'both make one key')
  t.throws(() => findDeriveKey({}, () => { throw new Error('not found') }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /needs Node.js 24.7 or newer, or the package sodium-native/ })
})
