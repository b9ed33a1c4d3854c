import { createCipheriv, createHmac, createSecretKey, hash, randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { newVisitor, schemaOf } from '../src/session.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'

const root = measuredCheckout
const ours = (/** @type {string} */ module) => import(pathToFileURL(join(root, 'dist/lib', module)).href)
const zod = () => import(pathToFileURL(join(root, 'node_modules/zod/index.js')).href)

const data = newVisitor()
const json = JSON.stringify(data)
const now = Date.now()
const times = { version: 1, createdAt: now, usedAt: now, authenticatedAt: 0, rotatedAt: now, persist: null, idle: 0, absolute: 0 }
const stored = { data, extra: null }
const binding = { application: '', session: 'session', cookie: 'session' }
const MANY = 10_000
const DISTANT = 2_000
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
    'HMAC-SHA256 of the session, KeyObject': () => createHmac('sha256', key).update(json).digest(),
    'AES-256-GCM of the session, KeyObject': () => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
      return [cipher.update(json), cipher.final(), cipher.getAuthTag()]
    },
    'randomBytes(32)': () => randomBytes(32),
    ...(typeof hash === 'function' && { 'SHA-256 of 32 bytes, one shot': () => hash('sha256', nonce, 'buffer') })
  }
}

/** @returns {Promise<Works>} */
async function decode () {
  const [{ createCodec }, { readPayload, writePayload, readSealed, writeSealed }, { z }] = await Promise.all([ours('codec.js'), ours('record.js'), zod()])
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
  const [{ createCodec }, { writePayload, writeSealed }, { z }] = await Promise.all([ours('codec.js'), ours('record.js'), zod()])
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
  const { clone, same } = await ours('snapshot.js')
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

const keyring = async () => (await ours('keyring.js')).createKeyring([secret], binding)
const bodies = async () => {
  const { writeSealed } = await ours('record.js')
  return Array.from({ length: MANY }, () => writeSealed(randomBytes(16), times, { data: newVisitor(), extra: null }))
}

/** @returns {Promise<Works>} */
async function seal () {
  const { sealed, readable } = await keyring()
  const next = inTurn(await bodies())
  return { 'sealed token (XAES-256-GCM)': () => sealed.write(next()), 'readable token (HMAC-SHA256)': () => readable.write(next()) }
}

/** @returns {Promise<Works>} */
async function open () {
  const { sealed, readable } = await keyring()
  const all = await bodies()
  // Sealed in one go: few derived keys.
  const near = inTurn(all.map((body) => sealed.write(body)))
  // Each by a program of its own with the same secret: a derived key for every token.
  const { createKeyring } = await ours('keyring.js')
  const far = inTurn(all.slice(0, DISTANT).map((body) => createKeyring([secret], binding).sealed.write(body)))
  const plain = inTurn(all.map((body) => readable.write(body)))
  const forged = near().slice(0, -4) + 'AAAA'
  assert.ok(sealed.read(near()) !== null && sealed.read(forged) === null)
  return {
    'sealed token, derived key known': () => sealed.read(near()),
    [`sealed token, ${DISTANT} derived keys in turn`]: () => sealed.read(far()),
    'sealed token, forged': () => sealed.read(forged),
    'sealed token, wrong shape': () => sealed.read('x'),
    'readable token': () => readable.read(plain())
  }
}

/** @returns {Promise<Works>} */
async function reference () {
  const { reference } = await keyring()
  const { random } = await ours('random.js')
  const { REFERENCE_BYTES } = await ours('keyring.js')
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
  const { createCookieWriter, readCookie } = await ours('cookie.js')
  const writer = createCookieWriter('__Host-Http-session', '; Path=/; HttpOnly; Secure; SameSite=Lax')
  const token = 'x'.repeat(400)
  const header = `_ga=GA1.1.1234.5678; theme=dark; __Host-Http-session=${token}`
  assert.deepEqual(readCookie(header, '__Host-Http-session'), { value: token })
  return {
    'find the token in a Cookie header of three': () => readCookie(header, '__Host-Http-session'),
    'format a Set-Cookie': () => writer.set(token, null)
  }
}
