import { readTimed } from '../device-bound/timed-tokens.js'
import { readSealed } from '../record/sealed-form.js'
import type { Times } from '../record/record.js'
import { readCookie } from '../http/cookie.js'
import { loadCipher } from '../tokens/cipher.js'
import type { Binding } from '../tokens/derivation.js'
import { createKeyring, type Keyring } from '../tokens/keyring.js'
import { bound, type Kind, REFERENCE_BYTES, reference, sealed } from '../tokens/kinds.js'
import { namespaceOf, recordKey } from '../tokens/record-key.js'
import { parseSecrets } from '../tokens/secrets.js'

const ID_BYTES = 32
const KINDS: Readonly<Record<string, string>> = {
  sealed: 'sealed: the session lies in the cookie',
  reference: 'reference: the session lies in a store',
  bound: 'bound: the browser has proved the key of its device (device-bound)'
}

/** Describes a token in lines of text. Rejects with `FST_TYPED_SESSION_INVALID_SECRET`. `text`: a token, or a `Cookie` header. */
export async function inspectToken (text: string, secret: string, binding: Binding, now: number): Promise<string> {
  const given = text.trim().replace(/^cookie:\s*/i, '')
  const found = readCookie(given, binding.cookie)
  if (Array.isArray(found)) return `There are ${found.length} cookies named ${binding.cookie}: the plugin uses none of them.\n`
  const token = typeof found === 'string' ? found : given
  const kind = await kindOf(token)
  if (kind === null) return `This is no token of fastify-typed-session: it begins with none of 3, 4 and 5.${found === null ? ` There is no cookie named ${binding.cookie} in it, either.` : ''}\n`
  const secrets = secret.split(',').map((part) => part.trim()).filter((part) => part !== '')
  const keyring = createKeyring(parseSecrets(secrets.length > 1 ? secrets : secrets[0]), binding, kind)
  const lines = [
    ['kind', KINDS[kind.purpose] as string],
    ['key id', keyOf(token, keyring)],
    ...contentOf(token, kind, keyring, binding, now)
  ]
  return lines.map(([name = '', value = '']) => `${name.padEnd(16)}${visible(value)}\n`).join('')
}

/** Shows as an escape all that a terminal would obey: the token may be anybody's. */
function visible (text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (mark) => `\\u{${(mark.codePointAt(0) as number).toString(16)}}`)
}

async function kindOf (token: string): Promise<Kind | null> {
  const known = [reference, bound].find(({ version }) => version === token[0])
  if (known !== undefined) return known
  const cipher = sealed(await loadCipher())
  return token[0] === cipher.version ? cipher : null
}

function keyOf (token: string, { ids }: Keyring): string {
  const id = token.slice(1, 7)
  const at = ids.indexOf(id)
  if (at === -1) return `${id}, unknown: SESSION_SECRET has ${ids.join(', ')}`
  return `${id}, ${at === 0 ? 'the newest secret' : `known, secret ${at + 1} of ${ids.length}`}`
}

function contentOf (token: string, kind: Kind, keyring: Keyring, binding: Binding, now: number): string[][] {
  const body = keyring.read(token)?.body
  if (body === undefined) return [['content', 'cannot be opened: another secret, name, cookie or application, or somebody has changed it']]
  if (kind === bound) {
    const { of, until } = readTimed(body)
    return [['binding', of.toString('base64url')], ['good until', moment(until, now)]]
  }
  if (kind === reference) {
    return [['issued', moment(body.readUIntBE(ID_BYTES, REFERENCE_BYTES - ID_BYTES), now)], ['key in store', recordKey(namespaceOf(binding), body.subarray(0, ID_BYTES))]]
  }
  const found = readSealed(body)
  if (found === null || found.record.kind !== 'session') return [['content', 'is not what this version of the package writes']]
  const { times, found: { data, extra } } = found.record
  return [...timesOf(times, now), ['bytes', `${token.length} of the token`], ...sizesOf(data), ['data', JSON.stringify(data)], ...extra === null ? [] : [['undeclared', JSON.stringify(extra)]]]
}

function timesOf ({ version, createdAt, usedAt, authenticatedAt, rotatedAt, persist, idle, absolute }: Times, now: number): string[][] {
  return [
    ['version', String(version)],
    ['created', moment(createdAt, now)],
    ['last used', moment(usedAt, now)],
    ['signed in', authenticatedAt === 0 ? 'no' : moment(authenticatedAt, now)],
    ['rotated', rotatedAt === createdAt ? 'never' : moment(rotatedAt, now)],
    ['idle deadline', idle === 0 ? 'last used + the option idleTimeout' : moment(usedAt + idle, now)],
    ['absolute', absolute === 0 ? 'created + the option absoluteTimeout' : moment(createdAt + absolute, now)],
    ['persist()', persist === null ? 'not called' : String(persist)]
  ]
}

/** Biggest first. */
function sizesOf (data: unknown): string[][] {
  const sizes = Object.entries(Object(data) as object).map(([key, value]) => [key, Buffer.byteLength(JSON.stringify(value))] as const)
  return sizes.sort(([, one], [, other]) => other - one).map(([key, size]) => ['', `${size} ${key}`])
}

function moment (time: number, now: number): string {
  const seconds = Math.round(Math.abs(now - time) / 1000)
  const [size, unit] = seconds < 120 ? [1, 'seconds'] : seconds < 7_200 ? [60, 'minutes'] : seconds < 172_800 ? [3_600, 'hours'] : [86_400, 'days']
  const distance = `${Math.floor(seconds / size)} ${unit}`
  return `${new Date(time).toISOString()}, ${time <= now ? `${distance} ago` : `in ${distance}`}`
}
