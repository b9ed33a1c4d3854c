import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { SECRET } from '../support/app.js'
import { readText } from '../support/documents.js'
import { root } from '../support/root.js'
import { keyrings, type KindName, kinds } from '../support/tokens.js'

const files = ['lib', 'types'].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`))
const lines = files.flatMap((file) => withoutComments(readText(file)).split('\n').map((text) => ({ file, text })))

/** The files where a pattern occurs. It has to be found in a line that has it, or nothing is proved. */
function filesWith (pattern: RegExp, example: string, but = /^$/): string[] {
  if (!pattern.test(example)) throw new Error(`${pattern} does not find: ${example}`)
  return [...new Set(lines.filter(({ file, text }) => pattern.test(text) && !but.test(file)).map(({ file }) => file))].sort()
}

function withoutComments (text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
}

t.test('the rules below look at all of lib', async t => {
  t.ok(files.length > 60)
  t.strictSame(filesWith(/createKeyring \(/, 'function createKeyring ()'), ['lib/tokens/keyring.ts'])
})

t.test('nothing is left to be done', async (t) => {
  t.strictSame(files.filter((file) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(readText(file))), [])
})

t.test('S-7.2.3, K-33: nothing that has to be secret comes from anywhere but node:crypto, and there is no second source', async t => {
  // Names of temporary files and of writes, and the ids that the tests of a store give it.
  const others = /^lib\/(?:stores\/internal\/file\/|stores\/dynamodb|conformance\/runner)/
  t.strictSame(filesWith(/\brandom(?:Bytes|FillSync|Fill|Int)\b|\bgetRandomValues\b/, 'randomFillSync(pool)', others), ['lib/tokens/random.ts'])
  t.strictSame(filesWith(/uuid|nanoid/i, 'const id = randomUUID()'), [], 'a UUID has too few bits (ASVS 11.5.1)')
  const drawn = lines.filter(({ text }) => /\bMath\.random\b/.test(text))
  t.ok(drawn.length > 2)
  t.strictSame(drawn.filter(({ text }) => !/\b(?:sleep|setTimeout)\(.*Math\.random/.test(text)), [], 'only waits are spread by it')
})

t.test('S-11.2.4, K-30: MACs are compared in constant time, by one expression each', async t => {
  t.strictSame(filesWith(/\btimingSafeEqual\(/, 'timingSafeEqual(given, expected)'), ['lib/adopt/signed-id.ts', 'lib/tokens/kinds.ts', 'lib/tokens/secrets.ts'])
  // What stores call a tag is no MAC.
  const stores = /^lib\/stores\//
  const mac = '(?:\\w*[mM]ac|\\w*[tT]ag|digest|signature|given|expected)'
  t.strictSame(filesWith(new RegExp(`\\b${mac}(?:\\([^)]*\\))? ?[!=]==? |[!=]==? ${mac}\\b(?!\\.length)`), 'if (given === mac(body))', stores), [])
  t.strictSame(filesWith(new RegExp(`\\b${mac}\\.(?:equals|compare)\\(|\\b(?:equals|compare)\\([^)]*\\b${mac}\\b`), 'given.equals(mac)', stores), [])
  const keyed = filesWith(/\bhmacSha256\(/, 'hmacSha256(key, body)').filter((file) => /\bmac\b/.test(readText(file)))
  t.ok(keyed.includes('lib/tokens/kinds.ts'))
  t.strictSame(keyed.filter((file) => !/\btimingSafeEqual\(/.test(readText(file))), [])
})

t.test('S-9.1, S-11.2.2, K-28, K-29: one algorithm for each kind of token, none of them a choice', async t => {
  t.strictSame(filesWith(/createCipheriv|createDecipheriv/, 'createCipheriv(name, key, nonce)'), [])
  // Adopters read the formats of other systems, and write none.
  t.strictSame(filesWith(/crypto_\w+/, 'crypto_aead_encrypt(body)', /^lib\/adopt\//), ['lib/tokens/cipher.ts'])
  t.strictSame(filesWith(/crypto_\w+_easy/, 'crypto_secretbox_open_easy(body)'), ['lib/adopt/secure-session.ts'])
  t.strictSame([...new Set(readText('lib/adopt/secure-session.ts').match(/crypto_\w+/g))], ['crypto_secretbox_open_easy'])
  t.strictSame([...new Set(readText('lib/tokens/cipher.ts').match(/crypto_\w+?(?=_encrypt|_decrypt)/g))], ['crypto_aead_xchacha20poly1305_ietf'])
  t.strictSame(filesWith(/-cbc\b|-ctr\b|-gcm\b|-ecb\b|rsa|md5/i, "'aes-256-cbc'", /^lib\/stores\//), ['lib/device-bound/proof.ts'], 'what devices sign with is theirs to choose, of two')
  const versions = Object.values(kinds).map(({ version }) => version)
  t.equal(new Set(versions).size, 4, 'a version character each, so that another algorithm is another character')
  const app = Fastify()
  app.register(createSession(z.object({}), { secret: SECRET, algorithm: 'none' } as never).plugin)
  await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /algorithm/ })
})

t.test('S-11.2.3: 128 bits and more everywhere: keys and ids of 256, tags and MACs of 128', async t => {
  const keyring = keyrings([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const overhead = (kind: KindName) => Buffer.from(keyring[kind].write(Buffer.alloc(38)).slice(7), 'base64url').length - 38
  t.strictSame([overhead('sealed'), overhead('reference'), overhead('bound'), overhead('offer')], [24 + 16, 16, 16, 16])
  t.match(readText('lib/tokens/derivation.ts'), /KEY = 32\n[^]*hkdfSync\('sha256', secret, '', .*, KEY\)/)
  t.match(readText('lib/backends/store.ts'), /ID_BYTES = 32\b/)
})

t.test('K-35: a nonce of 192 bits, another one for each token', async t => {
  const { sealed } = keyrings([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const nonces = new Set<string>()
  for (let i = 0; i < 20_000; i++) nonces.add(sealed.write(Buffer.alloc(0)).slice(7, 39))
  t.equal(nonces.size, 20_000)
})

t.test('K-21, K-26, K-45: what is read is JSON and nothing that runs: no eval, no serialised code, no second decoder', async t => {
  // A command of Redis has that name; the cipher is loaded by the first application that seals.
  t.strictSame(filesWith(/\beval\(|new Function|\bv8\.|deserialize\(|node:vm|import\(/, 'eval(text)'), ['lib/adopt/secure-session.ts', 'lib/stores/internal/redis/clients.ts', 'lib/tokens/cipher.ts'])
  t.strictSame(filesWith(/JSON\.parse\(/, 'JSON.parse(text)', /^lib\/(?:stores|conformance)\//), ['lib/request/draft.ts', 'lib/schema/initial.ts', 'lib/values/json.ts'])
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
