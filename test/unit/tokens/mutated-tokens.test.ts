import { readFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import type { Binding, Keyring, Purpose } from '../../../lib/tokens/keyring.js'

type Module = { createKeyring: (secrets: readonly Buffer[], binding: Binding) => Keyring }
const FILES = ['keyring', 'hmac', 'xaes', 'errors', 'random'] as const
const PURPOSES: readonly Purpose[] = ['sealed', 'readable', 'reference']
const BINDING: Binding = { application: 'shop', session: 'session', cookie: 'sid' }

/** What a reviewer must never let pass, each as one change of one file. */
const MISTAKES: ReadonlyArray<readonly [name: string, file: typeof FILES[number], from: string, to: string]> = [
  ['the tag is not checked', 'xaes', 'decipher.final() // nothing looks at the plaintext before this', ''],
  ['nothing is authenticated along when opening and sealing', 'xaes', '.setAAD(associated)', ''],
  ['the second half of the nonce stands still', 'xaes', 'Buffer.concat([half, random(HALF)])', 'Buffer.concat([half, Buffer.alloc(HALF)])'],
  ['the MAC is not compared', 'keyring', 'timingSafeEqual(given, mac(body))', 'true'],
  ['the MAC leaves out what it is bound to', 'keyring', 'hmacSha256(key, associated)', 'hmacSha256(key, Buffer.alloc(0))'],
  ['the MAC leaves out the last byte', 'keyring', 'authenticate(body)', 'authenticate(body.subarray(0, -1))'],
  ['only a prefix of the MAC is compared', 'keyring', 'timingSafeEqual(given, mac(body))', 'timingSafeEqual(given.subarray(0, 4), mac(body).subarray(0, 4))'],
  ['the MAC is not of this message', 'hmac', 'inner.set(message, start)', ''],
  ['tokens are not bound to the cookie', 'keyring', 'join(CONTEXT, purpose, session, cookie, application, kid)', 'join(CONTEXT, purpose, session, application, kid)'],
  ['tokens are not bound to the application', 'keyring', 'join(CONTEXT, purpose, session, cookie, application, kid)', 'join(CONTEXT, purpose, session, cookie, kid)'],
  ['the parts are joined without their lengths', 'keyring', 'return [length, bytes]', 'return [bytes]'],
  ['the version is not looked at', 'keyring', ' || token[0] !== version', ''],
  ['any spelling of base64 is taken', 'keyring', "bytes.toString('base64url') === text ? bytes : null", 'bytes'],
  ['the key id is not looked at', 'keyring', 'const key = keys.get(kid)', 'const key = [...keys.values()][0]'],
  ['an old secret writes', 'keyring', 'const newest = ids[0]', 'const newest = ids.at(-1)']
]

async function load (directory: string, mistake: typeof MISTAKES[number] | null): Promise<Module> {
  await mkdir(directory, { recursive: true })
  for (const file of FILES) {
    let source = await readFile(new URL(`../../../lib/${file}.ts`, import.meta.url), 'utf8')
    if (mistake?.[1] === file) {
      if (!source.includes(mistake[2])) throw new Error(`lib/${file}.ts has no longer: ${mistake[2]}`)
      source = source.replaceAll(mistake[2], mistake[3])
    }
    const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true } })
    await writeFile(join(directory, `${file}.js`), outputText)
  }
  return await import(pathToFileURL(join(directory, 'keyring.js')).href) as Module
}

/** What can be got past a keyring. Nothing, for a good one. */
function attack ({ createKeyring }: Module): string[] {
  const found = new Set<string>()
  const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const keyring = createKeyring(secrets, BINDING)
  const others: ReadonlyArray<readonly [string, Keyring]> = [
    ['another cookie', createKeyring(secrets, { ...BINDING, cookie: 'sid2' })],
    ['another session', createKeyring(secrets, { ...BINDING, session: 'admin' })],
    ['another application', createKeyring(secrets, { ...BINDING, application: 'desk' })],
    ['names that run into each other', createKeyring(secrets, { ...BINDING, cookie: 'sids', application: 'hop' })],
    ['another secret', createKeyring([Buffer.alloc(32, 3)], BINDING)]
  ]
  for (const purpose of PURPOSES) {
    const format = keyring[purpose]
    const body = Buffer.alloc(38, 7)
    const token = format.write(body)
    const reads = (candidate: string) => {
      const opened = format.read(candidate)
      return opened !== null && candidate !== token
    }
    if (format.read(token)?.body.equals(body) !== true || format.read(token)?.stale !== false) found.add('its own token is not read')
    if (token.slice(1, 7) !== keyring.ids[0]) found.add('written with an older secret')
    const raw = Buffer.from(token.slice(7), 'base64url')
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = Buffer.from(raw)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      if (reads(token.slice(0, 7) + flipped.toString('base64url'))) found.add('a flipped bit')
    }
    for (const version of '0123456789ABab') if (reads(version + token.slice(1))) found.add('another version')
    if (reads(`${token[0]}AAAAAA${token.slice(7)}`) || reads(`${token[0]}${keyring.ids[1]}${token.slice(7)}`)) found.add('another key id')
    for (const noise of ['=', '.', ' ', '+', '%']) if (reads(token.slice(0, 12) + noise + token.slice(12)) || reads(token + noise)) found.add('another spelling')
    if (reads(token.slice(0, 12) + token.slice(13))) found.add('a character less')
    for (const [name, other] of others) for (const wrong of PURPOSES) if (other[wrong].read(token) !== null) found.add(name)
    for (const wrong of PURPOSES) if (wrong !== purpose && keyring[wrong].read(token) !== null) found.add('another purpose')
    if (purpose === 'sealed' && format.write(body) === token) found.add('the same token twice')
    if (purpose === 'sealed' && token.slice(7).includes(body.toString('base64url').slice(4, 12))) found.add('the body can be read')
  }
  return [...found]
}

t.test('S-7.2.1, S-9.1: against what is here the attacks find nothing', async t => {
  t.strictSame(attack(await load(join(t.testdir(), 'good'), null)), [])
})

for (const mistake of MISTAKES) {
  const [name] = mistake
  t.test(`S-7.2.1, K-22, R-45: an attack finds the mistake that ${name}`, async t => {
    const found = attack(await load(join(t.testdir(), 'bad'), mistake))
    t.ok(found.length > 0, found.join(', '))
  })
}
