import type { Keyring } from '../tokens/keyring.js'
import type { NotFound } from './place.js'

const FORGED: NotFound = { state: 'none', reason: 'forged' }

/** Why `keyring` has refused `token`: nobody with one of our secrets has made it, or perhaps somebody with another secret. */
export function refused (keyring: Keyring, token: string): NotFound {
  const keyId = keyring.unknownKey(token)
  return keyId === null ? FORGED : { state: 'none', reason: 'unknown-key', keyId }
}
