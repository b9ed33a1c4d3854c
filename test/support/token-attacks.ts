import type { Keyring } from '../../lib/tokens/keyring.js'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** What an attacker has: two tokens of one keyring, and the name of an older secret of it. */
export interface Loot { readonly token: string, readonly other: string, readonly olderId: string }

const headOf = (token: string) => token.slice(0, 7)
const rawOf = (token: string) => Buffer.from(token.slice(7), 'base64url')

/** Every way to change a token that is tried: none may give one that is read. */
export const ATTACKS: Readonly<Record<string, (loot: Loot) => Iterable<string>>> = {
  'a flipped bit of what the base64url stands for': function * ({ token }) {
    const raw = rawOf(token)
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = Buffer.from(raw)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      yield headOf(token) + flipped.toString('base64url')
    }
  },
  'a flipped bit of the characters': function * ({ token }) {
    for (let bit = 0; bit < token.length * 8; bit++) {
      const flipped = Buffer.from(token, 'latin1')
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      yield flipped.toString('latin1')
    }
  },
  'a character in place of another': function * ({ token }) {
    for (let at = 0; at < token.length; at++) {
      for (const character of BASE64URL) yield token.slice(0, at) + character + token.slice(at + 1)
    }
  },
  'a truncation': function * ({ token }) {
    const raw = rawOf(token)
    for (let length = 0; length < token.length; length++) {
      yield token.slice(0, length)
      yield token.slice(token.length - length)
      yield headOf(token) + token.slice(7 + length)
      yield token.slice(0, length) + token.slice(length + 1)
    }
    for (let length = 0; length < raw.length; length++) {
      yield headOf(token) + raw.toString('base64url', 0, length)
      yield headOf(token) + raw.toString('base64url', length)
    }
  },
  'a byte more': function * ({ token }) {
    for (let byte = 0; byte < 256; byte++) yield headOf(token) + Buffer.concat([rawOf(token), Buffer.of(byte)]).toString('base64url')
  },
  'a character more': function * ({ token }) {
    for (let at = 0; at <= token.length; at++) {
      for (const character of ['A', '_', '=', '.', ' ', '\n', '\0', '+', '%', 'é', 'Ł']) yield token.slice(0, at) + character + token.slice(at)
    }
  },
  'another spelling of the same bytes': function * ({ token }) {
    yield headOf(token) + rawOf(token).toString('base64')
    yield token.replaceAll('-', '+').replaceAll('_', '/')
    // Of characters beyond Latin-1 Node's decoder sees the low eight bits.
    for (let at = 7; at < token.length; at++) yield token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) + 256) + token.slice(at + 1)
  },
  'parts swapped between two tokens': function * ({ token, other }) {
    for (let at = 8; at < token.length; at++) {
      yield token.slice(0, at) + other.slice(at)
      yield other.slice(0, at) + token.slice(at)
    }
  },
  'another version': function * ({ token }) {
    for (const version of BASE64URL) yield version + token.slice(1)
  },
  'another key id': function * ({ token, olderId }) {
    yield token[0] + olderId + token.slice(7)
    for (let at = 1; at < 7; at++) for (const character of BASE64URL) yield token.slice(0, at) + character + token.slice(at + 1)
  }
}

/** The attacks that get something past `keyring`, each with what it found first. */
export function * attack (keyring: Keyring, body: Buffer): Generator<string> {
  const loot = { token: keyring.write(body), other: keyring.write(Buffer.alloc(body.length, 3)), olderId: keyring.ids[1]! }
  for (const [name, candidates] of Object.entries(ATTACKS)) {
    for (const candidate of candidates(loot)) {
      if (candidate === loot.token || candidate === loot.other || keyring.read(candidate) === null) continue
      yield `${name}: ${candidate}`
      break
    }
  }
}
