import { timingSafeEqual } from 'node:crypto'
import { types } from 'node:util'
import { InvalidSecret } from '../errors.js'

/** Bytes that a secret has at least. */
export const SECRET_BYTES = 32

// Parts of the example secrets in READMEs and tutorials. Six letters or more: shorter ones turn up in random base64url.
const EXAMPLES = [
  'changeme', 'change-me', 'change_me', 'secret', 'password', 'passphrase', 'passw0rd', 'example', 'default', 'keyboard',
  'qwerty', 'letmein', 'sample', 'insecure', 'replace', 'session', 'averylogphrase', 'deadbeef', 'cafebabe'
]

const bad = (what: string) => new InvalidSecret(`${what}. Make a good one with: npx fastify-typed-session keygen`)

type Numbers = ArrayLike<number>
type Flaw = string | undefined

const LIST = /^[^\s,]+(?:\s*,\s*[^\s,]+)+$/
const SEVERAL = "has a comma. Several secrets are a list, newest first: split it with .split(',')"

const codes = (text: string): Numbers => Array.from(text, (character) => character.codePointAt(0)!)

/** Do more than half of the steps have one size: 00 01 02, aaaa, abcdef, 0x11 0x22 0x33? */
function isSequence (values: Numbers): boolean {
  const steps = new Map<number, number>()
  for (let i = 1; i < values.length; i++) {
    const step = values[i]! - values[i - 1]!
    steps.set(step, (steps.get(step) ?? 0) + 1)
  }
  return Math.max(...steps.values()) > values.length / 2
}

/** Is it, for its first half or a shorter part, that part over and over? */
function isPeriodic (bytes: Buffer): boolean {
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.subarray(period).equals(bytes.subarray(0, -period))) return true
  }
  return false
}

/** UTF-8 without a control character. */
function isText (bytes: Buffer): boolean {
  try {
    return !/\p{Cc}/u.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return false
  }
}

/** The fault of the bytes, if any. Each of these is true of 32 random bytes less than once in 10¹⁰. */
function flawOfBytes (bytes: Buffer): Flaw {
  if (bytes.length < SECRET_BYTES) return `has ${bytes.length} bytes, at least ${SECRET_BYTES} are needed`
  if (isPeriodic(bytes) || new Set(bytes).size < SECRET_BYTES / 2) return 'repeats itself, random bytes do not'
  if (isSequence(bytes)) return 'is a sequence, not random bytes'
  if (isText(bytes)) return 'holds text, not random bytes. A passphrase cannot be used, base64url or hex is given as a string'
}

/** The fault of its spelling, if any. Random base64url or hex is this about once in 10⁷. */
function flawOfText (text: string): Flaw {
  const lowercase = text.toLowerCase()
  if (EXAMPLES.some((example) => lowercase.includes(example))) return 'contains a word of well-known examples'
  if (isSequence(codes(text))) return 'is a sequence, not random bytes'
}

/** Bytes that a key of another system has at least. */
const OLD_KEY_BYTES = 16

/** The flaw of a key that another system has chosen, be it text or bytes; `null`: none that everybody knows. */
export function flawOfOldKey (key: unknown): string | null {
  if (key === undefined || key === null || key === '') return 'is missing'
  if (typeof key !== 'string' && !types.isUint8Array(key)) return 'is neither a string nor a Buffer'
  const bytes = Buffer.from(key as Uint8Array)
  if (bytes.length < OLD_KEY_BYTES) return `has ${bytes.length} bytes, at least ${OLD_KEY_BYTES} are needed`
  if (isPeriodic(bytes)) return 'repeats itself'
  return flawOfText(bytes.toString('latin1')) ?? null
}

/** Only what one encoder would have written, bit for bit; so never by way of leaving something out. */
function decode (text: string): Buffer | undefined {
  if (/^(?:[\da-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex')
  // 43 random characters lack capitals or small letters once in 10⁹; passphrases and base32 do all the time
  if (!/[a-z]/.test(text) || !/[A-Z]/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  const padded = bytes.toString('base64')
  const url = bytes.toString('base64url')
  return [url, url.padEnd(padded.length, '='), padded, padded.slice(0, url.length)].includes(text) ? bytes : undefined
}

function parse (untrimmed: unknown): Buffer | string {
  // A mounted file ends with a line feed.
  const input = typeof untrimmed === 'string' ? untrimmed.trim() : untrimmed
  if (types.isUint8Array(input)) {
    const bytes = Buffer.from(input)
    return flawOfBytes(bytes) ?? bytes
  }
  if (input === undefined || input === null || input === '') return 'is missing'
  if (typeof input !== 'string') return 'is neither a string nor a Buffer'
  const bytes = decode(input)
  if (!bytes) return LIST.test(input) ? SEVERAL : 'is neither base64url nor hex. A passphrase cannot be used'
  return flawOfText(input) ?? flawOfBytes(bytes) ?? bytes
}

/**
 * The result of a function given as the option `secret`.
 * Rejects with `FST_TYPED_SESSION_INVALID_SECRET`, whose cause is what the function threw.
 */
export async function findSecrets (secret: () => unknown): Promise<unknown> {
  try {
    return await secret()
  } catch (cause) {
    throw Object.assign(new InvalidSecret(`the function threw ${cause instanceof Error ? `"${cause.message}"` : 'what is no Error'}`), { cause })
  }
}

/**
 * The secrets as bytes, newest first: copies, as long as given. Every one is checked by itself.
 * Throws `FST_TYPED_SESSION_INVALID_SECRET`, which says which one and why, and never what it is.
 */
export function parseSecrets (input: unknown): Buffer[] {
  if (Array.isArray(input) && input.length === 0) throw bad('the list is empty')
  const secrets: Buffer[] = []
  for (const [index, secret] of Array.isArray(input) ? input.entries() : [[0, input] as const]) {
    const position = Array.isArray(input) ? `secret[${index}]` : 'it'
    const parsed = parse(secret)
    if (!Buffer.isBuffer(parsed)) throw bad(`${position} ${parsed}`)
    const twin = secrets.findIndex((other) => other.length === parsed.length && timingSafeEqual(other, parsed))
    if (twin >= 0) throw bad(`${position} is the same as secret[${twin}]`)
    secrets.push(parsed)
  }
  return secrets
}
