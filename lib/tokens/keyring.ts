import { InvalidOption, InvalidSecret } from '../errors.js'
import { associatedData, type Binding, KEY_ID, keyId, purposeKey } from './derivation.js'
import type { Kind, Protection } from './kinds.js'

export interface OpenedToken {
  readonly body: Buffer
  /** Made with an older secret than the newest. */
  readonly stale: boolean
}

/**
 * Writes and reads one kind of token: a version character, six characters that name the secret, then base64url.
 * The keys are reachable from nowhere.
 */
export interface Keyring {
  /** The names of the secrets in tokens, newest first. Not secret. */
  readonly ids: readonly string[]
  /** Always with the newest secret. */
  write (body: Uint8Array): string
  /** `null` for anything that was not written for the same binding with one of the secrets. Never throws. */
  read (token: string): OpenedToken | null
  /** The name of the secret that a refused token asks for, if it is not one of ours; else `null`. Anybody can write such a token. */
  unknownKey (token: string): string | null
  /** Characters of a token for a body of this many bytes. */
  size (bytes: number): number
}

const HEADER = 1 + KEY_ID
const LONGEST_NAME = 512 // node:crypto takes 1024 bytes of HKDF info

/**
 * `secrets`: newest first, checked by `parseSecrets`. The first writes, all read; a token names the one that reads it.
 * Throws `FST_TYPED_SESSION_INVALID_SECRET` and `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function createKeyring (secrets: readonly Buffer[], binding: Binding, kind: Kind): Keyring {
  checkBinding(binding)
  const ids = Object.freeze(secrets.map(keyId))
  const newest = ids[0]
  if (newest === undefined) throw new InvalidSecret('the list is empty')
  if (new Set(ids).size < ids.length) throw new InvalidSecret('two secrets have the same key id, replace one of them')
  const keys = new Map(secrets.map((secret, index): [string, Protection] => {
    const id = ids[index]!
    return [id, kind.protection(purposeKey(secret, kind, binding.session), associatedData(kind, binding, id))]
  }))
  return Object.freeze({ ids, ...format(kind, newest, keys) })
}

function format ({ version, overhead, exactly }: Kind, newest: string, keys: ReadonlyMap<string, Protection>): Omit<Keyring, 'ids'> {
  const size = (bytes: number) => HEADER + Math.ceil((bytes + overhead) * 4 / 3)
  const shortest = size(exactly ?? 0)
  const longest = exactly === null ? Infinity : shortest
  const looksRight = (token: unknown): token is string =>
    typeof token === 'string' && token.length >= shortest && token.length <= longest && token[0] === version
  const head = version + newest
  const writer = keys.get(newest)!
  return {
    size,
    write (body) {
      if (exactly !== null && body.length !== exactly) throw new RangeError(`A body of ${exactly} bytes is needed`)
      return head + writer.protect(body)
    },
    // Cheap checks come first: length, kind and key, then the alphabet. Only then is anything computed.
    read (token) {
      if (!looksRight(token)) return null
      const id = token.slice(1, HEADER)
      const body = keys.get(id)?.recover(token.slice(HEADER))
      return body ? { body, stale: id !== newest } : null
    },
    unknownKey (token) {
      const id = looksRight(token) ? token.slice(1, HEADER) : ''
      return /^[\w-]{6}$/.test(id) && !keys.has(id) ? id : null
    }
  }
}

function checkBinding (binding: Binding): void {
  for (const [name, text] of Object.entries(binding)) {
    const bytes = Buffer.from(text)
    if (bytes.length > LONGEST_NAME) throw new InvalidOption(name, `is longer than ${LONGEST_NAME} bytes`)
    if (bytes.toString() !== text) throw new InvalidOption(name, 'is not well-formed Unicode')
  }
}
