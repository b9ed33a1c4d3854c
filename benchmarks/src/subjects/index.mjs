import { fileURLToPath } from 'node:url'

/**
 * A subject is a server that answers the four routes. Its module is loaded in the server's own process only.
 *
 * @typedef {object} Subject
 * @property {string} id
 * @property {string} title
 * @property {'floor' | 'yardstick' | 'peer' | 'ours'} group
 * @property {'none' | 'cookie' | 'memory' | 'redis'} backend
 * @property {string} module
 * @property {string} variant handed to the module's `build`
 * @property {readonly string[]} [only] ids of the cases it answers; default all
 * @property {boolean} [stateless] answers every case without a session at all: nothing to verify
 * @property {string} [bare] id of the bare server that it is divided by; default bare Fastify
 * @property {string} [seal] how a session in the cookie is protected, and by which code
 *
 * @typedef {object} Context
 * @property {string} variant
 * @property {string | undefined} redisUrl
 * @property {string} root the checkout whose build is measured as ours
 *
 * @typedef {object} BuiltSubject
 * @property {import('node:http').Server} server not listening yet
 * @property {() => Promise<unknown>} [ready]
 */

/** @type {(id: string, title: string, group: Subject['group'], backend: Subject['backend'], module: string, variant: string, more?: Partial<Subject>) => Subject} */
const subject = (id, title, group, backend, module, variant, more) => ({ id, title, group, backend, module, variant, ...more })

const onExpress = { bare: 'express' }
const iron = 'encrypted: AES-256-CBC and HMAC-SHA256 by native code (WebCrypto), with keys derived for each seal'
const libsodium = 'encrypted: XSalsa20-Poly1305 by native code (sodium-native)'

const untouchedOnly = ['A', 'U', 'U-cold']

/** @type {readonly Subject[]} */
export const subjects = Object.freeze([
  subject('bare', 'bare Fastify', 'floor', 'none', 'floors', 'bare', { stateless: true }),
  subject('cookie-plugin', 'Fastify + @fastify/cookie (one Set-Cookie on W and N)', 'floor', 'none', 'floors', 'cookie-plugin', { stateless: true }),
  subject('express', 'bare Express', 'floor', 'none', 'floors', 'express', { stateless: true }),
  subject('remix-bare', 'bare Remix router in its node server', 'floor', 'none', 'remix', 'bare', { stateless: true }),
  subject('hand-cookie', 'hand-written signed cookie, no checks', 'floor', 'cookie', 'floors', 'hand-cookie', { seal: 'signed: HMAC-SHA256 by native code (node:crypto)' }),
  subject('hand-memory', 'hand-written Map + id cookie, no checks', 'floor', 'memory', 'floors', 'hand-memory'),
  subject('hand-redis', 'hand-written ioredis GET/SET, no checks', 'floor', 'redis', 'floors', 'hand-redis'),
  subject('hand-node-redis', 'hand-written node-redis GET/SET, no checks', 'floor', 'redis', 'floors', 'hand-node-redis'),

  subject('yardstick-cookie', 'yardstick: an ordinary request and nothing else, sealed cookie', 'yardstick', 'cookie', 'yardstick', 'cookie', { seal: 'encrypted: XChaCha20-Poly1305 by WebAssembly (libsodium-wrappers)' }),
  subject('yardstick-memory', 'yardstick: an ordinary request and nothing else, memory', 'yardstick', 'memory', 'yardstick', 'memory'),

  subject('ours-cookie', 'fastify-typed-session, sealed cookie', 'ours', 'cookie', 'ours', 'cookie', { seal: 'encrypted: XChaCha20-Poly1305 by WebAssembly (libsodium-wrappers)' }),
  subject('ours-memory', 'fastify-typed-session, memory', 'ours', 'memory', 'ours', 'memory'),
  subject('ours-redis', 'fastify-typed-session, Redis (ioredis)', 'ours', 'redis', 'ours', 'redis'),
  subject('ours-node-redis', 'fastify-typed-session, Redis (node-redis)', 'ours', 'redis', 'ours', 'node-redis'),
  subject('ours-redis-optout', 'fastify-typed-session, Redis, route opts out', 'ours', 'redis', 'ours', 'redis-optout', { only: untouchedOnly }),

  subject('secure-session', '@fastify/secure-session, defaults', 'peer', 'cookie', 'secure-session', 'defaults', { seal: libsodium }),
  subject('secure-session-tuned', '@fastify/secure-session, as documented', 'peer', 'cookie', 'secure-session', 'tuned', { seal: libsodium }),
  subject('iron-session', 'iron-session in Fastify, defaults', 'peer', 'cookie', 'iron-session', 'defaults', { seal: iron }),
  subject('iron-session-tuned', 'iron-session in Fastify, cookie jar', 'peer', 'cookie', 'iron-session', 'tuned', { seal: iron }),
  subject('mgcrea-cookie', '@mgcrea/fastify-session, stateless secretbox', 'peer', 'cookie', 'mgcrea', 'cookie', { seal: libsodium }),
  subject('better-auth', 'Better Auth in Fastify, cookie cache', 'peer', 'cookie', 'better-auth', 'defaults', { seal: 'signed: HMAC-SHA256 by native code (WebCrypto)' }),
  subject('cookie-session', 'cookie-session on Express', 'peer', 'cookie', 'cookie-session', 'defaults', { ...onExpress, seal: 'signed: HMAC-SHA1 by native code (node:crypto)' }),
  subject('remix', 'Remix session, cookie storage', 'peer', 'cookie', 'remix', 'cookie', { bare: 'remix-bare', seal: 'signed: HMAC-SHA256 by native code (WebCrypto)' }),

  subject('fastify-session', '@fastify/session memory, defaults', 'peer', 'memory', 'fastify-session', 'defaults'),
  subject('fastify-session-tuned', '@fastify/session memory, tuned', 'peer', 'memory', 'fastify-session', 'tuned'),
  subject('express-session', 'express-session memory on Express, defaults', 'peer', 'memory', 'express-session', 'defaults', onExpress),
  subject('express-session-tuned', 'express-session memory on Express, tuned', 'peer', 'memory', 'express-session', 'tuned', onExpress),
  subject('mgcrea', '@mgcrea/fastify-session memory, defaults', 'peer', 'memory', 'mgcrea', 'defaults'),
  subject('mgcrea-tuned', '@mgcrea/fastify-session memory, tuned', 'peer', 'memory', 'mgcrea', 'tuned'),

  subject('fastify-session-redis', '@fastify/session + connect-redis, defaults', 'peer', 'redis', 'fastify-session', 'redis'),
  subject('fastify-session-redis-tuned', '@fastify/session + connect-redis, tuned', 'peer', 'redis', 'fastify-session', 'redis-tuned'),
  subject('express-session-redis', 'express-session + connect-redis, defaults', 'peer', 'redis', 'express-session', 'redis', onExpress),
  subject('express-session-redis-tuned', 'express-session + connect-redis, tuned', 'peer', 'redis', 'express-session', 'redis-tuned', onExpress),
  subject('mgcrea-redis', '@mgcrea/fastify-session + its Redis store, defaults', 'peer', 'redis', 'mgcrea', 'redis'),
  subject('mgcrea-redis-tuned', '@mgcrea/fastify-session + its Redis store, tuned', 'peer', 'redis', 'mgcrea', 'redis-tuned')
])

/** The bare server that a subject is divided by. @param {Subject} subject */
export const bareOf = ({ bare = 'bare' }) => bare

/** @param {Subject} subject @param {string} caseId */
export const answers = ({ only }, caseId) => only === undefined || only.includes(caseId)

/** The checkout that this benchmark lies in. */
export const thisCheckout = fileURLToPath(new URL('../../../', import.meta.url))

/** The checkout whose build is measured. */
export const measuredCheckout = process.env.BENCH_ROOT ?? thisCheckout

/** `ids` may name a subject, a group or a backend. @param {readonly string[] | undefined} ids @returns {Subject[]} */
export function chooseSubjects (ids) {
  const matches = (/** @type {Subject} */ s, /** @type {string} */ id) => [s.id, s.group, s.backend].includes(id)
  const unknown = ids?.find((id) => !subjects.some((s) => matches(s, id)))
  if (unknown !== undefined) throw new Error(`no subject, group or backend ${unknown}; subjects: ${subjects.map((s) => s.id).join(', ')}`)
  return subjects.filter((s) => s.id !== 'bare' && (ids === undefined || ids.some((id) => matches(s, id))))
}
