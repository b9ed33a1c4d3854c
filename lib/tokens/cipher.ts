import { CipherUnavailable } from '../errors.js'

/** Bytes of a nonce: 192 bits, so many that random ones never meet. */
export const NONCE = 24
export const TAG = 16

/** XChaCha20-Poly1305 in the IETF construction (draft-irtf-cfrg-xchacha-03). */
export interface Cipher {
  /** `ciphertext ‖ tag[16]`. */
  seal (body: Uint8Array, associated: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array
  /** In memory of its own. `null` for what `seal` has not made of the same. Never throws. */
  open (sealed: Uint8Array, associated: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | null
}

/**
 * libsodium, compiled to WebAssembly. Loaded by the first session that lies in a cookie, 30 ms of CPU; later calls find it.
 * Rejects with `FST_TYPED_SESSION_CIPHER_UNAVAILABLE` where there is no WebAssembly.
 */
export async function loadCipher (): Promise<Cipher> {
  try {
    const { default: sodium } = await import('libsodium-wrappers')
    await sodium.ready
    return cipherOf(sodium)
  } catch (cause) {
    throw Object.assign(new CipherUnavailable(), { cause })
  }
}

type Sodium = Awaited<typeof import('libsodium-wrappers')>['default']

function cipherOf ({ crypto_aead_xchacha20poly1305_ietf_encrypt: encrypt, crypto_aead_xchacha20poly1305_ietf_decrypt: decrypt }: Sodium): Cipher {
  return {
    seal: (body, associated, nonce, key) => encrypt(body, associated, null, nonce, key),
    open (sealed, associated, nonce, key) {
      try {
        return decrypt(null, sealed, associated, nonce, key)
      } catch {
        return null
      }
    }
  }
}
