import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Binding } from '../../../lib/tokens/derivation.js'
import type { Keyring } from '../../../lib/tokens/keyring.js'
import type { Kind } from '../../../lib/tokens/kinds.js'
import { readText } from '../../support/documents.js'
import { attack } from '../../support/token-attacks.js'
import { keyrings } from '../../support/tokens.js'
import { javaScriptOf } from '../../support/transpile.js'

const FILES = ['tokens/keyring', 'tokens/derivation', 'tokens/kinds', 'tokens/base64url', 'tokens/cipher', 'tokens/hmac', 'tokens/random', 'errors'] as const
type Make = typeof keyrings
const BINDING: Binding = { application: 'shop', session: 'session', cookie: 'sid' }

/** What a reviewer must never let pass, each as one change of one file. */
const MISTAKES: ReadonlyArray<readonly [name: string, file: typeof FILES[number], from: string, to: string]> = [
  ['the tag is not checked', 'tokens/cipher', 'return decrypt(null, sealed, associated, nonce, key)', 'return sealed.slice(0, -TAG)'],
  ['nothing is authenticated along when opening and sealing', 'tokens/kinds', 'protection: (key, associated) => ({', 'protection: (key, _, associated = Buffer.alloc(0)) => ({'],
  ['the nonce stands still', 'tokens/kinds', 'random(NONCE)', 'Buffer.alloc(NONCE)'],
  ['the body is not encrypted', 'tokens/kinds', 'cipher.seal(body, associated, nonce, key)', 'Buffer.concat([body, cipher.seal(body, associated, nonce, key)])'],
  ['the MAC is not compared', 'tokens/kinds', 'timingSafeEqual(bytes.subarray(-MAC), mac(body))', 'true'],
  ['the MAC leaves out what it is bound to', 'tokens/kinds', 'hmacSha256(key, associated)', 'hmacSha256(key, Buffer.alloc(0))'],
  ['the MAC leaves out the last byte', 'tokens/kinds', 'authenticate(body)', 'authenticate(body.subarray(0, -1))'],
  ['only a prefix of the MAC is compared', 'tokens/kinds', 'timingSafeEqual(bytes.subarray(-MAC), mac(body))', 'timingSafeEqual(bytes.subarray(-MAC, -12), mac(body).subarray(0, 4))'],
  ['the MAC is not of this message', 'tokens/hmac', 'inner.set(message, start)', ''],
  ['tokens are not bound to the cookie', 'tokens/derivation', 'session, cookie, application, keyId)', 'session, application, keyId)'],
  ['tokens are not bound to the application', 'tokens/derivation', 'session, cookie, application, keyId)', 'session, cookie, keyId)'],
  ['the parts are joined without their lengths', 'tokens/derivation', 'return [length, bytes]', 'return [bytes]'],
  ['the version is not looked at', 'tokens/keyring', ' && token[0] === version', ''],
  ['any spelling of base64 is taken', 'tokens/base64url', 'if (!isWhole', 'if (bytes) return bytes\n  if (!isWhole'],
  ['characters beyond Latin-1 are taken for others', 'tokens/base64url', ' || Buffer.byteLength(text) !== text.length', ''],
  ['the characters of the other base64 are taken', 'tokens/base64url', " || text.includes('+') || text.includes('/')", ''],
  ['spare bits are not looked at', 'tokens/base64url', 'spare === 0 || ', 'true || '],
  ['the key id is not looked at', 'tokens/keyring', 'keys.get(id)?.recover', '[...keys.values()][0]!.recover'],
  ['an old secret writes', 'tokens/keyring', 'const newest = ids[0]', 'const newest = ids.at(-1)']
]

/** The keyrings of a copy of lib/tokens, with one mistake in it. */
async function load (directory: string, mistake: typeof MISTAKES[number] | null): Promise<Make> {
  for (const file of FILES) {
    let source = readText(`lib/${file}.ts`)
    if (mistake?.[1] === file) {
      if (!source.includes(mistake[2])) throw new Error(`lib/${file}.ts has no longer: ${mistake[2]}`)
      source = source.replaceAll(mistake[2], mistake[3])
    }
    const target = join(directory, `${file}.js`)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, javaScriptOf(source))
  }
  const get = async <T>(file: string) => await import(pathToFileURL(join(directory, `tokens/${file}.js`)).href) as T
  const { createKeyring } = await get<typeof import('../../../lib/tokens/keyring.js')>('keyring')
  const { bound, offer, reference, sealed } = await get<typeof import('../../../lib/tokens/kinds.js')>('kinds')
  const { loadCipher } = await get<typeof import('../../../lib/tokens/cipher.js')>('cipher')
  const kinds: readonly Kind[] = [sealed(await loadCipher()), reference, bound, offer]
  return (secrets, binding) => {
    const [first, second, third, fourth] = kinds.map((kind) => createKeyring(secrets, binding, kind)) as [Keyring, Keyring, Keyring, Keyring]
    return { sealed: first, reference: second, bound: third, offer: fourth }
  }
}

/** What can be got past the keyrings, one after the other. Nothing, for good ones. */
function * flaws (make: Make, bytes: number): Generator<string> {
  const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const mine = make(secrets, BINDING)
  const others: Readonly<Record<string, ReturnType<Make>>> = {
    'another cookie': make(secrets, { ...BINDING, cookie: 'sid2' }),
    'another session': make(secrets, { ...BINDING, session: 'admin' }),
    'another application': make(secrets, { ...BINDING, application: 'desk' }),
    'names that run into each other': make(secrets, { ...BINDING, cookie: 'sids', application: 'hop' }),
    'another secret': make([Buffer.alloc(32, 3)], BINDING)
  }
  for (const [kind, keyring] of Object.entries(mine)) {
    const body = Buffer.alloc(kind === 'sealed' ? bytes : 38, 7)
    const token = keyring.write(body)
    const opened = keyring.read(token)
    if (opened?.body.equals(body) !== true || opened.stale) yield 'its own token is not read'
    if (token.slice(1, 7) !== keyring.ids[0]) yield 'written with an older secret'
    yield * attack(keyring, body)
    for (const [name, other] of Object.entries(others)) {
      for (const tokens of Object.values(other)) for (const version of '34') if (tokens.read(version + token.slice(1)) !== null) yield name
    }
    for (const tokens of Object.values(mine)) for (const version of '34') if (tokens !== keyring && tokens.read(version + token.slice(1)) !== null) yield 'another purpose'
    if (kind !== 'sealed') continue
    if (keyring.write(body) === token) yield 'the same token twice'
    if (token.slice(7).includes(body.toString('base64url').slice(4, 12))) yield 'the body can be read'
  }
}

t.test('S-7.2.1, S-9.1, R-40: against what is here the attacks find nothing', async t => {
  t.strictSame([...flaws(keyrings, 300)], [])
  t.strictSame([...flaws(keyrings, 38)], [])
  t.strictSame([...flaws(await load(join(t.testdir(), 'good'), null), 37)], [])
})

for (const mistake of MISTAKES) {
  const [name] = mistake
  t.test(`S-7.2.1, K-22, R-45: an attack finds the mistake that ${name}`, async t => {
    const [found] = flaws(await load(join(t.testdir(), 'bad'), mistake), 37)
    t.ok(found !== undefined, found ?? 'nothing')
  })
}
