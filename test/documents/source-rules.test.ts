import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { SECRET } from '../support/app.js'
import { readText } from '../support/documents.js'
import { root } from '../support/root.js'
import { keyrings, type KindName, kinds } from '../support/tokens.js'

const lib = join(root, 'lib')
const sources = new Map<string, string>()
for (const file of await readdir(lib, { recursive: true })) {
  if (file.endsWith('.ts')) sources.set(file, (await readFile(join(lib, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, ''))
}
const filesWith = (pattern: RegExp, except: readonly string[] = []) =>
  [...sources].filter(([file, text]) => pattern.test(text) && !except.some((name) => file.startsWith(name))).map(([file]) => file)

t.test('the rules below look at all of lib', async t => {
  t.ok(sources.size > 40)
  t.strictSame(filesWith(/createKeyring \(/), ['tokens/keyring.ts'], 'and would find what is there')
})

t.test('S-7.2.3, K-33: nothing that has to be secret comes from anywhere but node:crypto, and there is no second source', async t => {
  t.strictSame(filesWith(/randomBytes|randomFillSync|randomFill/, ['stores/internal/file/', 'conformance/']), ['tokens/random.ts'])
  t.strictSame(filesWith(/randomUUID|uuid|nanoid/i, ['conformance/']), [], 'a UUID has too few bits (ASVS 11.5.1)')
  t.strictSame(filesWith(/Math\.random/).filter((file) => !file.startsWith('stores/')), ['plugin/sweeper.ts', 'backends/subject-lock.ts'], 'only to spread timers')
})

t.test('S-11.2.4, K-30: MACs are compared in constant time, by one expression each', async t => {
  t.strictSame(filesWith(/timingSafeEqual\(/).sort(), ['tokens/kinds.ts', 'tokens/secrets.ts'])
  t.strictSame(filesWith(/\b(mac|digest|signature|authTag)\b[^\n;]*(===|!==|\.equals\(|\.compare\()/i, ['stores/']), [])
})

t.test('S-9.1, S-11.2.2, K-28, K-29: one algorithm for each kind of token, none of them a choice', async t => {
  t.strictSame(filesWith(/createCipheriv|createDecipheriv/), [])
  t.strictSame(filesWith(/crypto_\w+/), ['tokens/cipher.ts'])
  t.strictSame([...new Set((sources.get('tokens/cipher.ts') as string).match(/crypto_\w+?(?=_encrypt|_decrypt)/g))], ['crypto_aead_xchacha20poly1305_ietf'])
  t.strictSame(filesWith(/-cbc\b|-ctr\b|-gcm\b|-ecb\b|rsa|md5/i, ['stores/']), [])
  const versions = Object.values(kinds).map(({ version }) => version)
  t.equal(new Set(versions).size, 2, 'a version character each, so that another algorithm is another character')
  const app = Fastify()
  app.register(createSession(z.object({}), { secret: SECRET, algorithm: 'none' } as never).plugin)
  await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /algorithm/ })
})

t.test('S-11.2.3: 128 bits and more everywhere: keys and ids of 256, tags and MACs of 128', async t => {
  const keyring = keyrings([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const overhead = (kind: KindName) => Buffer.from(keyring[kind].write(Buffer.alloc(38)).slice(7), 'base64url').length - 38
  t.strictSame([overhead('sealed'), overhead('reference')], [24 + 16, 16])
  t.match(sources.get('tokens/derivation.ts'), /KEY = 32\n[^]*hkdfSync\('sha256', secret, '', .*, KEY\)/)
  t.match(sources.get('backends/store.ts'), /ID_BYTES = 32\b/)
})

t.test('K-35: a nonce of 192 bits, another one for each token', async t => {
  const { sealed } = keyrings([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const nonces = new Set<string>()
  for (let i = 0; i < 20_000; i++) nonces.add(sealed.write(Buffer.alloc(0)).slice(7, 39))
  t.equal(nonces.size, 20_000)
})

t.test('K-21, K-26, K-45: what is read is JSON and nothing that runs: no eval, no serialised code, no second decoder', async t => {
  t.strictSame(filesWith(/\beval\(|new Function|\bv8\b|deserialize\(|node:vm|import\(/, ['stores/internal/redis/clients.ts', 'tokens/cipher.ts', 'cli.ts']), [])
  t.strictSame(filesWith(/JSON\.parse\(/, ['stores/', 'conformance/']).sort(), ['request/describe.ts', 'schema/initial.ts', 'values/json.ts'])
})

t.test('S-11.4.4, K-32: a passphrase is no secret, known examples are none, and each is told how to make one', async t => {
  const readme = readText('README.md')
  const shown = [...readme.matchAll(/secret: '([^']+)'/gi)].map(([, secret]) => secret)
  const bad = ['correct horse battery staple', 'keyboard cat', 'changeme', 'a secret with minimum length of 32 characters', '0'.repeat(64), 'ab'.repeat(32), Buffer.alloc(32, 7), Buffer.from('a passphrase of thirty-two bytes'), ...shown]
  for (const secret of bad) {
    const app = Fastify()
    app.register(createSession(z.object({}), { secret: secret as never }).plugin)
    await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_SECRET', message: /keygen/ }, String(secret))
  }
})

t.test('K-11: the store has no blind write: what is there is replaced only by who knows it', async t => {
  const contract = readText('types/store.ts')
  const methods = [...contract.matchAll(/^ {2}(\w+)\??\s?\(/gm)].map(([, name]) => name as string)
  t.strictSame([...new Set(methods)].sort(), ['close', 'create', 'delete', 'findBySubject', 'load', 'replace', 'sweep', 'touch'])
  t.match(contract, /replace \(id: string, expected: string, payload: string/)
})
