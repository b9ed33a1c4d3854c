import type { Runtime } from '../request/runtime.js'
import type { Keyring } from '../tokens/keyring.js'
import type { Kind } from '../tokens/kinds.js'

/** The keyring of one kind of token, by the secrets in force. */
export function keyringOf (runtime: Runtime, kind: Kind, cookie: string): () => Keyring {
  let by = runtime.keyring
  let keyring = by(kind, cookie)
  return () => {
    if (by !== runtime.keyring) {
      by = runtime.keyring
      keyring = by(kind, cookie)
    }
    return keyring
  }
}
