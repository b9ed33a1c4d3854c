import { hash, randomBytes, randomFillSync } from 'node:crypto'

/** @typedef {import('./yardstick.mjs').Found} Found */
/** @typedef {(text: string) => Found | undefined} Read */

const NONCE = 24
const KEY_ID = '4abcdef'
const LARGEST_COOKIE = 4096

/** In the cookie: XChaCha20-Poly1305 by libsodium, with the records opened last remembered by their token. @param {any} sodium @param {Read} read @returns {Promise<import('./yardstick.mjs').Place>} */
export async function cookiePlace (sodium, read) {
  await sodium.ready
  const key = randomBytes(32)
  const associated = Buffer.from(`yardstick session ${KEY_ID}`)
  /** @type {(token: string, found: Found) => unknown} */
  const [opened, remember] = memory()

  const unseal = (/** @type {string} */ token) => {
    if (!token.startsWith(KEY_ID) || token.length > LARGEST_COOKIE) return
    try {
      const bytes = Buffer.from(token.slice(KEY_ID.length), 'base64url')
      const text = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, bytes.subarray(NONCE), associated, bytes.subarray(0, NONCE), key)
      return read(Buffer.from(text.buffer, text.byteOffset, text.length).utf8Slice())
    } catch {}
  }

  return {
    load (token) {
      let found = opened.get(token)
      if (found === undefined) {
        found = unseal(token)
        if (found === undefined) return
        remember(token, found)
      }
      return { found }
    },
    save (_at, found, text) {
      const nonce = random(NONCE)
      const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(text, associated, null, nonce, key)
      const bytes = Buffer.allocUnsafe(NONCE + sealed.length)
      bytes.set(nonce)
      bytes.set(sealed, NONCE)
      const token = KEY_ID + bytes.base64urlSlice()
      if (token.length > LARGEST_COOKIE) throw new Error('too large')
      remember(token, found)
      return token
    }
  }
}

const ID = 43
const MAC = 22

/** In a Map: an id with a MAC in the cookie, its hash in the store, the payload as JSON, and a write only if nobody else wrote. @param {Read} read @returns {import('./yardstick.mjs').Place} */
export function memoryPlace (read) {
  /** @type {Map<string, { payload: string, until: number }>} */
  const store = new Map()
  const mac = hmac(randomBytes(32), ID)
  const [places, rememberPlace] = memory()
  const [decoded, rememberDecoded] = memory()
  const placeOf = (/** @type {string} */ id) => 'session:' + hash('sha256', id, 'hex')

  const locate = (/** @type {string} */ token) => {
    const known = places.get(token)
    if (known !== undefined) return known
    if (token.length !== KEY_ID.length + ID + MAC || !token.startsWith(KEY_ID)) return
    const id = token.slice(KEY_ID.length, KEY_ID.length + ID)
    if (mac(id) !== token.slice(KEY_ID.length + ID)) return
    return rememberPlace(token, placeOf(id))
  }

  return {
    load (token) {
      const place = locate(token)
      const entry = place === undefined ? undefined : store.get(place)
      if (entry === undefined || entry.until < Date.now()) return
      const { payload } = entry
      let known = decoded.get(place)
      if (known?.payload !== payload) {
        const found = read(payload)
        if (found === undefined) return
        known = rememberDecoded(place, { payload, found })
      }
      return { found: known.found, at: { place, payload } }
    },
    save (at, found, payload) {
      const entry = { payload, until: found.used + 86_400_000 }
      if (at !== undefined) {
        if (store.get(at.place)?.payload !== at.payload) throw new Error('another request was first')
        store.set(at.place, entry)
        rememberDecoded(at.place, { payload, found })
        return
      }
      const id = random(32).base64urlSlice()
      const place = placeOf(id)
      store.set(place, entry)
      rememberDecoded(place, { payload, found })
      return KEY_ID + id + mac(id)
    }
  }
}

/** A Map that forgets all when it is full, and what puts something into it. @returns {[Map<string, any>, <T>(key: string, value: T) => T]} */
function memory () {
  const map = new Map()
  return [map, (key, value) => {
    if (map.size >= 2000) map.clear()
    map.set(key, value)
    return value
  }]
}

const pool = Buffer.alloc(4096)
let used = pool.length

/** @param {number} bytes */
function random (bytes) {
  if (used + bytes > pool.length) { randomFillSync(pool); used = 0 }
  const start = used
  used += bytes
  return pool.subarray(start, used)
}

/** HMAC-SHA256 of texts of one length, its first 128 bits. @param {Buffer} key @param {number} length */
function hmac (key, length) {
  const inner = Buffer.alloc(64 + length)
  const outer = Buffer.alloc(64 + 32)
  for (let i = 0; i < 64; i++) { inner[i] = (key[i] ?? 0) ^ 0x36; outer[i] = (key[i] ?? 0) ^ 0x5c }
  return (/** @type {string} */ text) => {
    inner.latin1Write(text, 64)
    outer.write(hash('sha256', inner, 'hex'), 64, 'hex')
    return hash('sha256', outer, 'base64url').slice(0, MAC)
  }
}
