import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { createKeyring } from '../../lib/tokens/keyring.js'
import { SECRET } from '../support/app.js'
import { readText } from '../support/documents.js'
import { root } from '../support/root.js'

const lib = join(root, 'lib')
const sources = new Map<string, string>()
for (const file of await readdir(lib, { recursive: true })) {
  if (file.endsWith('.ts')) sources.set(file, (await readFile(join(lib, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, ''))
}
const filesWith = (pattern: RegExp, except: readonly string[] = []) =>
  [...sources].filter(([file, text]) => pattern.test(text) && !except.some((name) => file.startsWith(name))).map(([file]) => file)

t.test('the rules below look at all of lib', async t => {
  t.ok(sources.size > 40)
  t.strictSame(filesWith(/createKeyring \(/), ['keyring.ts'], 'and would find what is there')
})

t.test('S-7.2.3, K-33: nothing that has to be secret comes from anywhere but node:crypto, and there is no second source', async t => {
  t.strictSame(filesWith(/randomBytes|randomFillSync|randomFill/, ['stores/file/', 'conformance/']), ['random.ts'])
  t.strictSame(filesWith(/randomUUID|uuid|nanoid/i, ['conformance/']), [], 'a UUID has too few bits (ASVS 11.5.1)')
  t.strictSame(filesWith(/Math\.random/).filter((file) => !file.startsWith('stores/')), ['sweeper.ts', 'backends/lock.ts'], 'only to spread timers')
})

t.test('S-11.2.4, K-30: MACs are compared in constant time, by one expression each', async t => {
  t.strictSame(filesWith(/timingSafeEqual\(/).sort(), ['keyring.ts', 'secrets.ts'])
  t.strictSame(filesWith(/\b(mac|digest|signature|authTag)\b[^\n;]*(===|!==|\.equals\(|\.compare\()/i, ['stores/']), [])
})

t.test('S-9.1, S-11.2.2, K-28, K-29: one algorithm for each kind of token, none of them a choice', async t => {
  t.strictSame(filesWith(/createCipheriv|createDecipheriv/), ['xaes.ts'])
  t.strictSame((sources.get('xaes.ts') as string).match(/'aes-[^']+'/g)?.sort(), ["'aes-256-ecb'", "'aes-256-gcm'"], 'ECB is the single block of the derivation in C2SP, of no message')
  t.strictSame(filesWith(/-cbc\b|-ctr\b|chacha|rsa|md5/i, ['stores/']), [])
  const keyring = createKeyring([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const body = Buffer.alloc(38)
  const versions = [keyring.sealed, keyring.readable, keyring.reference].map((format) => format.write(body)[0])
  t.equal(new Set(versions).size, 3, 'a version character each, so that another algorithm is another character')
  const app = Fastify()
  app.register(createSession(z.object({}), { secret: SECRET, algorithm: 'none' } as never).plugin)
  await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /algorithm/ })
})

t.test('S-11.2.3: 128 bits and more everywhere: keys and ids of 256, MACs of 256, those of references of 128', async t => {
  const keyring = createKeyring([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const overhead = (purpose: 'sealed' | 'readable' | 'reference') =>
    Buffer.from(keyring[purpose].write(Buffer.alloc(38)).slice(7), 'base64url').length - 38
  t.strictSame([overhead('sealed'), overhead('readable'), overhead('reference')], [24 + 16, 32, 16])
  t.match(sources.get('keyring.ts'), /hkdfSync\('sha256', secret, '', .*, 32\)/)
  t.match(sources.get('backends/store.ts'), /ID_BYTES = 32\b/)
})

t.test('K-35: an extended nonce of 192 bits, whose derived keys are used a bounded number of times', async t => {
  const keyring = createKeyring([Buffer.alloc(32, 1)], { application: '', session: 's', cookie: 'c' })
  const nonces = new Set<string>()
  const halves = new Map<string, number>()
  for (let i = 0; i < 20_000; i++) {
    const nonce = Buffer.from(keyring.sealed.write(Buffer.alloc(0)).slice(7), 'base64url').subarray(0, 24)
    nonces.add(nonce.toString('hex'))
    const half = nonce.toString('hex', 0, 12)
    halves.set(half, (halves.get(half) ?? 0) + 1)
  }
  t.equal(nonces.size, 20_000)
  t.equal(Math.max(...halves.values()), 4_096)
})

t.test('K-21, K-26, K-45: what is read is JSON and nothing that runs: no eval, no serialised code, no second decoder', async t => {
  t.strictSame(filesWith(/\beval\(|new Function|\bv8\b|deserialize\(|node:vm|import\(/, ['stores/redis-clients.ts', 'cli.ts']), [])
  t.strictSame(filesWith(/JSON\.parse\(/, ['stores/', 'conformance/']).sort(), ['describe.ts', 'initial.ts', 'record.ts'])
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
