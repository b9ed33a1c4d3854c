import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { random } from './random.js'

/** XAES-256-GCM as in https://c2sp.org/XAES-256-GCM: AES-256-GCM under a key derived from the first half of a 192-bit nonce. */
export interface Xaes {
  /** nonce[24] ‖ ciphertext ‖ tag[16]. A given `nonce` is for test vectors only: never use one twice. */
  seal (plaintext: Uint8Array, associated: Uint8Array, nonce?: Uint8Array): Buffer
  /** The plaintext, or `null` for anything that was not sealed with this key and this associated data. */
  open (sealed: Buffer, associated: Uint8Array): Buffer | null
}

/** Bytes that a sealed message has more than its plaintext. */
export const XAES_OVERHEAD = 40

/**
 * How many messages share one derived key. Two of them share a nonce with probability 2⁻⁷³ (4096² ∕ 2⁹⁷), where NIST
 * SP 800-38D §8.3 allows 2⁻³²; over all keys of a fleet the risk stays below 2⁻³² for 2⁵³ messages. More would not be
 * faster: a derivation is already spread over 4096 seals.
 */
export const SEALS_PER_KEY = 4096

const KEPT_KEYS = 1000
const ALGORITHM = 'aes-256-gcm'
const TAG = { authTagLength: 16 } // without it Node accepts tags of four bytes
const NONCE = 24
const HALF = 12

/** The derivation of C2SP, steps 1 to 5: SP 800-108 in counter mode over CMAC, one AES block per half of the key. */
function derivation (key: Uint8Array): (nonceHalf: Uint8Array) => KeyObject {
  const aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  const k1 = double(aes.update(Buffer.alloc(16)))
  return (nonceHalf) => {
    const input = Buffer.allocUnsafe(32)
    for (const [index, start] of [0, 16].entries()) {
      input.writeUInt32BE(0x00005800 | (index + 1) << 16, start)
      input.set(nonceHalf, start + 4)
      for (let i = 0; i < 16; i++) input[start + i]! ^= k1[i]!
    }
    const derived = aes.update(input)
    const object = createSecretKey(derived)
    derived.fill(0)
    return object
  }
}

/** Multiplication by x in GF(2¹²⁸), as CMAC makes its subkey. In constant time: the block is secret. */
function double (block: Buffer): Buffer {
  const carry = block[0]! >> 7
  for (let i = 0; i < 15; i++) block[i] = block[i]! << 1 | block[i + 1]! >> 7
  block[15] = block[15]! << 1 ^ 0x87 * carry
  return block
}

function encrypt (key: KeyObject, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce.subarray(HALF), TAG).setAAD(associated)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()])
}

function decrypt (key: KeyObject, sealed: Buffer, associated: Uint8Array): Buffer | null {
  const end = sealed.length - TAG.authTagLength
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(HALF, NONCE), TAG)
    .setAAD(associated).setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(NONCE, end))
  try {
    decipher.final() // nothing looks at the plaintext before this
    return plaintext
  } catch {
    return null
  }
}

/** `key`: 32 bytes, used for nothing else. Throws what `node:crypto` throws, also when it has no randomness. */
export function createXaes (key: Uint8Array): Xaes {
  const derive = derivation(key)
  const kept = new LRUCache<string, KeyObject>({ max: KEPT_KEYS })
  let half: Buffer = Buffer.alloc(0)
  let current: KeyObject | undefined
  let left = 0

  const fresh = (): KeyObject => {
    if (current === undefined || left === 0) {
      half = random(HALF)
      current = derive(half)
      left = SEALS_PER_KEY
    }
    left--
    return current
  }

  return {
    seal (plaintext, associated, nonce) {
      if (nonce) return encrypt(derive(nonce.subarray(0, HALF)), nonce, plaintext, associated)
      const key = fresh()
      return encrypt(key, Buffer.concat([half, random(HALF)]), plaintext, associated)
    },
    open (sealed, associated) {
      if (sealed.length < XAES_OVERHEAD) return null
      const id = sealed.toString('latin1', 0, HALF)
      const known = kept.get(id)
      const key = known ?? derive(sealed.subarray(0, HALF))
      const plaintext = decrypt(key, sealed, associated)
      // only what was authentic is kept: forgeries cannot push out the keys in use
      if (plaintext && !known) kept.set(id, key)
      return plaintext
    }
  }
}
