import { generateKeyPairSync } from 'node:crypto'
import { type Key, makeKey, makeProof } from './fake-browser.js'

/** The order of P-256 (FIPS 186-5). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const [rsa, short] = [makeKey('RS256'), makeKey('RS256', 1024)]

/** A key that signs as honestly as any, on another curve. */
function keyOn (namedCurve: string): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  return { algorithm: 'ES256', privateKey, jwk: publicKey.export({ format: 'jwk' }) as Key['jwk'] }
}

/** What anybody can make of a proof by ES256 without its key: of the signature (r, s) the other one, (r, n - s). */
export function twinOf (proof: string): string {
  const [header, payload, mark = ''] = proof.split('.')
  const bytes = Buffer.from(mark, 'base64url')
  const other = (ORDER - BigInt(`0x${bytes.toString('hex', 32)}`)).toString(16).padStart(64, '0')
  return `${header}.${payload}.${Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]).toString('base64url')}`
}

/** Proofs that a device with `key` would not give. */
export function wrongProofs (key: Key, challenge: string): Readonly<Record<string, string>> {
  const another = makeKey()
  return {
    'the wrong key': makeProof(another, challenge),
    'the key in it': makeProof(key, challenge, { bring: true }),
    'another key in it': makeProof(another, challenge, { bring: true }),
    'another algorithm': makeProof(rsa, challenge),
    'another algorithm said': makeProof(key, challenge, { header: { alg: 'RS256' } }),
    'no algorithm': makeProof(key, challenge, { header: { alg: 'none' } }),
    'no signature': `${makeProof(key, challenge).split('.').slice(0, 2).join('.')}.`,
    'another type': makeProof(key, challenge, { header: { typ: 'jwt' } }),
    'something critical': makeProof(key, challenge, { header: { crit: ['exp'] } }),
    'a challenge of nobody': makeProof(key, 'A'.repeat(43)),
    'no challenge': makeProof(key, challenge, { payload: { jti: 5 } }),
    'no proof': 'proof'
  }
}

/** The proofs of registrations that nobody is to be bound by. */
export function wrongRegistrations (): Readonly<Record<string, (challenge: string) => string>> {
  const key = makeKey()
  const { x, y, kty, crv } = key.jwk
  const off = `A${String(y).slice(1)}`
  const forged = (jwk: unknown) => (challenge: string) => makeProof(key, challenge, { header: { jwk } })
  const withExponent = (e: string) => (challenge: string) => makeProof(rsa, challenge, { header: { jwk: { ...rsa.jwk, e } } })
  return {
    'no key': (challenge) => makeProof(key, challenge),
    'a key that has not signed': forged(makeKey().jwk),
    'a point off the curve': forged({ kty, crv, x, y: off === y ? `B${String(y).slice(1)}` : off }),
    'another curve said': forged({ kty, crv: 'P-384', x, y }),
    'another curve': (challenge) => makeProof(keyOn('P-384'), challenge, { bring: true }),
    'another curve of 256 bits': (challenge) => makeProof(keyOn('secp256k1'), challenge, { bring: true }),
    'half a key': forged({ kty, crv, x }),
    'a symmetric key': forged({ kty: 'oct', k: 'AAAA' }),
    'no object': forged('key'),
    'an RSA key of 1024 bits': (challenge) => makeProof(short, challenge, { bring: true }),
    'an RSA key of 1 as its exponent': withExponent('AQ'),
    'an RSA key of an exponent as long as the key': withExponent(String(rsa.jwk.n)),
    'an RSA key for ES256': (challenge) => makeProof(rsa, challenge, { bring: true, header: { alg: 'ES256' } }),
    'no algorithm': (challenge) => makeProof(key, challenge, { bring: true, header: { alg: 'none' } }),
    'another challenge': () => makeProof(key, 'A'.repeat(79), { bring: true })
  }
}
