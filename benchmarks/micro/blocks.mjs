import { createCipheriv, createHmac, createSecretKey, hash, randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { newVisitor, schemaOf } from '../src/session.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'

const root = measuredCheckout
/** Of what the tests compile: the build has entries only. Builds of before 2026-12 have all parts. */
const parts = existsSync(join(root, 'dist/lib/tokens/keyring.js')) ? 'dist/lib' : '.build/lib'
const ours = (/** @type {string} */ module) => import(pathToFileURL(join(root, parts, module)).href)
const zod = () => import(pathToFileURL(join(root, 'node_modules/zod/index.js')).href)

const data = newVisitor()
const json = JSON.stringify(data)
const now = Date.now()
const times = { version: 1, createdAt: now, usedAt: now, authenticatedAt: 0, rotatedAt: now, persist: null, idle: 0, absolute: 0, adoptedUntil: 0 }
const stored = { data, extra: null }
const binding = { application: '', session: 'session', cookie: 'session' }
const MANY = 10_000
const secret = randomBytes(32)

/** One after the other, for ever: nothing that remembers the last one can flatter. @template T @param {readonly T[]} items @returns {() => T} */
function inTurn (items) {
  let i = 0
  return () => /** @type {T} */ (items[i++ % items.length])
}

/**
 * Each group checks that its blocks do their work before it hands them out.
 *
 * @typedef {Record<string, () => unknown>} Works
 * @type {readonly { group: string, load: () => Works | Promise<Works> }[]}
 */
export const blocks = [
  { group: 'floor: what everything is made of', load: floor },
  { group: 'decode', load: decode },
  { group: 'encode', load: encode },
  { group: 'compare', load: compare },
  { group: 'seal', load: seal },
  { group: 'open', load: open },
  { group: 'token of a store session', load: reference },
  { group: 'cookie', load: cookie }
]

/** @returns {Works} */
function floor () {
  const key = createSecretKey(randomBytes(32))
  const nonce = randomBytes(12)
  return {
    'JSON.parse of the session': () => JSON.parse(json),
    'JSON.stringify of the session': () => JSON.stringify(data),
    'structuredClone of the session': () => structuredClone(data),
    'HMAC-SHA256 of the session': () => createHmac('sha256', key).update(json).digest(),
    'AES-256-GCM of the session': () => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
      return [cipher.update(json), cipher.final(), cipher.getAuthTag()]
    },
    'randomBytes(32)': () => randomBytes(32),
    ...(typeof hash === 'function' && { 'SHA-256 of 32 bytes, one shot': () => hash('sha256', nonce, 'buffer') })
  }
}

/** @returns {Promise<Works>} */
async function decode () {
  const [{ createCodec }, { readPayload, writePayload }, { readSealed, writeSealed }, { z }] = await Promise.all([ours('schema/codec.js'), ours('record/payload.js'), ours('record/sealed-form.js'), zod()])
  const schema = schemaOf(z)
  const codec = createCodec(schema, { reserved: new Set() })
  const found = { data, extra: null }
  const payload = writePayload(times, stored)
  const body = writeSealed(randomBytes(16), times, stored)
  assert.deepEqual(readPayload(payload).found.data, data)
  assert.deepEqual(readSealed(body).record.found.data, data)
  return {
    'zod safeParse': () => schema.safeParse(data),
    'codec.decode (validate)': () => codec.decode(found),
    'read a store payload': () => readPayload(payload),
    'read the body of a sealed record': () => readSealed(body)
  }
}

/** @returns {Promise<Works>} */
async function encode () {
  const [{ createCodec }, { writePayload }, { writeSealed }, { z }] = await Promise.all([ours('schema/codec.js'), ours('record/payload.js'), ours('record/sealed-form.js'), zod()])
  const codec = createCodec(schemaOf(z), { reserved: new Set() })
  const sid = randomBytes(16)
  return {
    'codec.encode (validate)': () => codec.encode(data),
    'write a store payload': () => writePayload(times, stored),
    'write the body of a sealed record': () => writeSealed(sid, times, stored)
  }
}

/** @returns {Promise<Works>} */
async function compare () {
  const { clone, same } = await ours('values/clone.js')
  const equal = clone(data)
  const changed = { ...clone(data), visits: 2 }
  const nested = clone(data)
  nested.cart[2].qty = 99
  assert.ok(same(data, equal) && !same(data, changed) && !same(data, nested))
  return {
    'clone the session': () => clone(data),
    'same: equal': () => same(data, equal),
    'same: another number of visits': () => same(data, changed),
    'same: another quantity in the cart': () => same(data, nested),
    'what it replaces: two JSON.stringify': () => JSON.stringify(data) === JSON.stringify(equal)
  }
}

/** @param {'sealed' | 'reference'} name */
const keyring = async (name) => {
  const [{ createKeyring }, { loadCipher }, kinds] = await Promise.all([ours('tokens/keyring.js'), ours('tokens/cipher.js'), ours('tokens/kinds.js')])
  return createKeyring([secret], binding, name === 'sealed' ? kinds.sealed(await loadCipher()) : kinds.reference)
}
const bodies = async () => {
  const { writeSealed } = await ours('record/sealed-form.js')
  return Array.from({ length: MANY }, () => writeSealed(randomBytes(16), times, { data: newVisitor(), extra: null }))
}

/** @returns {Promise<Works>} */
async function seal () {
  const sealed = await keyring('sealed')
  const next = inTurn(await bodies())
  return { 'sealed token (XChaCha20-Poly1305)': () => sealed.write(next()) }
}

/** @returns {Promise<Works>} */
async function open () {
  const sealed = await keyring('sealed')
  const all = await bodies()
  const token = sealed.write(/** @type {Buffer} */ (all[0]))
  const tokens = inTurn(all.map((body) => sealed.write(body)))
  const wrong = {
    'refused: a forgery': token.slice(0, -4) + 'AAAA',
    'refused: an unknown key id': `${token[0]}AAAAAA${token.slice(7)}`,
    'refused: no base64url': token.slice(0, -1) + '=',
    'refused: another kind': `3${token.slice(1)}`,
    'refused: too short': 'x'
  }
  assert.ok(sealed.read(token) !== null && Object.values(wrong).every((text) => sealed.read(text) === null))
  return {
    'sealed token': () => sealed.read(tokens()),
    ...Object.fromEntries(Object.entries(wrong).map(([name, text]) => [name, () => sealed.read(text)]))
  }
}

/** @returns {Promise<Works>} */
async function reference () {
  const reference = await keyring('reference')
  const { random } = await ours('tokens/random.js')
  const { REFERENCE_BYTES } = await ours('tokens/kinds.js')
  const body = randomBytes(REFERENCE_BYTES)
  const tokens = inTurn(Array.from({ length: MANY }, () => reference.write(randomBytes(REFERENCE_BYTES))))
  const forged = tokens().slice(0, -4) + 'AAAA'
  assert.equal(reference.read(forged), null)
  assert.ok(reference.read(tokens()) !== null)
  return {
    'new id (pooled randomness)': () => random(32),
    'write a token': () => reference.write(body),
    'read a token': () => reference.read(tokens()),
    'read a forged token': () => reference.read(forged)
  }
}

/** @returns {Promise<Works>} */
async function cookie () {
  const { createCookieWriter, readCookie } = await ours('http/cookie.js')
  const writer = createCookieWriter({ name: '__Host-Http-session', domain: null, path: '/', secure: true }, '; HttpOnly; Secure; SameSite=Lax')
  const token = 'x'.repeat(400)
  const header = `_ga=GA1.1.1234.5678; theme=dark; __Host-Http-session=${token}`
  assert.equal(readCookie(header, '__Host-Http-session'), token)
  return {
    'find the token in a Cookie header of three': () => readCookie(header, '__Host-Http-session'),
    'format a Set-Cookie': () => writer.set(token, null)
  }
}
