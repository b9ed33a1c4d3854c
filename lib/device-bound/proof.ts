import { constants, createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import type { Algorithm, Device } from '../record/device.js'
import { decodeBase64url } from '../tokens/base64url.js'
import { isPlainObject } from '../values/clone.js'
import { parseJson } from '../values/json.js'

/** Characters: more than a key of 4096 bits needs. */
const LONGEST = 4_096
const TYPE = 'dbsc+jwt'
/** Bits of RSA. Below is too weak, above too much work for what anybody can send. So is an exponent other than the usual one. */
const [LEAST_BITS, MOST_BITS] = [2_048, 4_096]
const EXPONENT = 65_537n

/** A challenge that a device has signed. */
export interface Proof {
  readonly challenge: string
  /** Tells this proof from another one that the device has made of the same challenge. */
  readonly answer: string
}

/** The proof with which a device comes with its public key. */
export interface Registration extends Proof, Pick<Device, 'algorithm' | 'key'> {}

/** A JWS in compact form (RFC 7515 §7.1), as it was sent. */
interface Jws {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  readonly signed: Buffer
  readonly mark: Buffer
}

/** The proof of a device that is not known yet, by the key that it brings. `null` for anything else. Never throws. */
export function readRegistration (text: string): Registration | null {
  const jws = readJws(text)
  const { alg, jwk } = jws?.header ?? {}
  const held = heldBy(jwk)
  if (jws === null || held === null || held.algorithm !== alg) return null
  const proof = prove(jws, held.algorithm, held.publicKey)
  return proof && { ...proof, algorithm: held.algorithm, key: held.key }
}

/** A proof by the key of `device`. `null` for anything else: another key or algorithm, or one that brings a key. Never throws. */
export function readProof (text: string, { algorithm, key }: Pick<Device, 'algorithm' | 'key'>): Proof | null {
  const jws = readJws(text)
  if (jws === null || jws.header.alg !== algorithm || 'jwk' in jws.header) return null
  const held = heldBy(key)
  return held && prove(jws, algorithm, held.publicKey)
}

function readJws (text: string): Jws | null {
  const parts = text.length > LONGEST ? [] : text.split('.')
  const [header, payload, mark] = parts.map(decodeBase64url)
  if (parts.length !== 3 || !header || !payload || !mark) return null
  const [head, body] = [header, payload].map((bytes) => parseJson(bytes.toString()))
  // RFC 7515 §4.1.11: what is critical has to be understood, and nothing is.
  if (!isPlainObject(head) || !isPlainObject(body) || head.typ !== TYPE || 'crit' in head) return null
  return { header: head, payload: body, signed: Buffer.from(text.slice(0, text.lastIndexOf('.'))), mark }
}

function prove ({ payload: { jti }, signed, mark }: Jws, algorithm: Algorithm, publicKey: KeyObject): Proof | null {
  if (typeof jti !== 'string' || !isSigned(signed, mark, algorithm, publicKey)) return null
  // Of (r, s) anybody can make (r, n - s), which is as good a signature of ECDSA: only r is the device's.
  return { challenge: jti, answer: hash('sha256', mark.subarray(0, mark.length / 2), 'base64url') }
}

function isSigned (signed: Buffer, mark: Buffer, algorithm: Algorithm, key: KeyObject): boolean {
  return verify('sha256', signed, algorithm === 'RS256' ? { key, padding: constants.RSA_PKCS1_PADDING } : { key, dsaEncoding: 'ieee-p1363' }, mark)
}

/** The public key of a JWK (RFC 7518 §6) that is good enough, and the algorithm that it is for. */
function heldBy (jwk: unknown): Pick<Device, 'algorithm' | 'key'> & { readonly publicKey: KeyObject } | null {
  if (!isPlainObject(jwk)) return null
  const { kty, crv, x, y, n, e } = jwk
  if (kty === 'EC' && crv === 'P-256' && isText(x) && isText(y)) return imported('ES256', { kty, crv, x, y }, () => true)
  return kty === 'RSA' && isText(n) && isText(e) ? imported('RS256', { kty, n, e }, isStrong) : null
}

function imported (algorithm: Algorithm, key: Record<string, string>, isGood: (key: KeyObject) => boolean): ReturnType<typeof heldBy> {
  try {
    // Throws for a point that is not on the curve.
    const publicKey = createPublicKey({ key, format: 'jwk' })
    return isGood(publicKey) ? { algorithm, key, publicKey } : null
  } catch {
    return null
  }
}

function isStrong ({ asymmetricKeyDetails: { modulusLength = 0, publicExponent = 0n } = {} }: KeyObject): boolean {
  return modulusLength >= LEAST_BITS && modulusLength <= MOST_BITS && publicExponent === EXPONENT
}

function isText (value: unknown): value is string {
  return typeof value === 'string'
}
