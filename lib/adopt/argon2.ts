import crypto from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { InvalidOption } from '../errors.js'

/** Makes a key of a secret: Argon2id with the costs that libsodium calls moderate, 3 passes over 256 MiB. */
export type DeriveKey = (secret: Buffer, salt: Buffer) => Buffer

interface Argon2Parameters { readonly message: Buffer, readonly nonce: Buffer, readonly parallelism: 1, readonly tagLength: 32, readonly memory: 262_144, readonly passes: 3 }
/** Node 24.7 and later. */
interface Argon2 { argon2Sync? (algorithm: 'argon2id', parameters: Argon2Parameters): Buffer }
interface Sodium {
  readonly crypto_pwhash_OPSLIMIT_MODERATE: number
  readonly crypto_pwhash_MEMLIMIT_MODERATE: number
  readonly crypto_pwhash_ALG_DEFAULT: number
  crypto_pwhash (key: Buffer, secret: Buffer, salt: Buffer, passes: number, memory: number, algorithm: number): void
}

/** By Node, or by the `sodium-native` that `@fastify/secure-session` brings. Throws `InvalidOption` where there is neither. */
export function findDeriveKey (node: Argon2 = crypto as Argon2, load: () => Sodium = loadSodium): DeriveKey {
  const { argon2Sync } = node
  if (argon2Sync !== undefined) return (message, nonce) => argon2Sync('argon2id', { message, nonce, parallelism: 1, tagLength: 32, memory: 262_144, passes: 3 })
  let sodium: Sodium
  try {
    sodium = load()
  } catch (cause) {
    throw Object.assign(new InvalidOption('fromSecureSession.secret', 'needs Node.js 24.7 or newer, or the package sodium-native that @fastify/secure-session uses, to make the key: npm install sodium-native'), { cause })
  }
  return (secret, salt) => {
    const key = Buffer.alloc(32)
    sodium.crypto_pwhash(key, secret, salt, sodium.crypto_pwhash_OPSLIMIT_MODERATE, sodium.crypto_pwhash_MEMLIMIT_MODERATE, sodium.crypto_pwhash_ALG_DEFAULT)
    return key
  }
}

/** It is the application's: package managers may not let us see it from here. */
function loadSodium (): Sodium {
  return createRequire(join(process.cwd(), 'package.json'))('sodium-native') as Sodium
}
