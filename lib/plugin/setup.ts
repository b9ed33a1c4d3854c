import type { FastifyInstance } from 'fastify'
import type { Backend } from '../backends/backend.js'
import { CookieBackend } from '../backends/cookie.js'
import { NotBefore } from '../backends/not-before.js'
import { StoreCalls } from '../backends/store-calls.js'
import { StoredRecords } from '../backends/stored-records.js'
import { RevocableBackend } from '../backends/revocable.js'
import { StoreBackend } from '../backends/store.js'
import { type Codec, createCodec } from '../schema/codec.js'
import { mayBeText } from '../schema/keys.js'
import { type CookieWriter, createCookieWriter } from '../http/cookie.js'
import { Notices } from '../http/notices.js'
import { InvalidOption } from '../errors.js'
import { HookList } from '../session/hooks.js'
import { loadCipher } from '../tokens/cipher.js'
import { createKeyring } from '../tokens/keyring.js'
import { type Kind, reference, sealed } from '../tokens/kinds.js'
import { createOldCookieIds } from '../tokens/old-cookie-ids.js'
import { OpenSockets } from '../backends/open-sockets.js'
import { Opener } from '../schema/migrations.js'
import { looksLikeMilliseconds } from '../options/common-mistakes.js'
import { readOptions, type Settings } from '../options/options.js'
import type { Timeouts } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import { namespaceOf } from '../tokens/record-key.js'
import { findSecrets, parseSecrets } from '../tokens/secrets.js'
import { RESERVED_KEYS } from '../session/session.js'
import { Turns } from '../async/queue.js'

/** How many opened tokens and records one registered session remembers. */
const REMEMBERED = 1_000

/** The parts of a runtime that open a session. They need no application. */
export type Reader = Pick<Runtime, 'settings' | 'codec' | 'opener' | 'backend' | 'gate'>

/** Rejects as `createRuntime` does. A migrate step that throws is told nobody: there is no log. */
export async function createReader (input: object): Promise<Reader> {
  const { settings, codec } = readInput(input)
  const { backend } = await loadBackend(settings, secretOf(input))
  return { settings, codec, backend, opener: new Opener(codec, settings, () => {}), gate: null }
}

/** Everything that is made once, at `register`. Rejects if the options, the schema or the secrets are wrong. */
export async function createRuntime (app: FastifyInstance, input: object): Promise<Runtime> {
  const { settings, codec, production } = readInput(input)
  announce(app, settings)
  warnOfMilliseconds(app, input)
  return {
    settings,
    codec,
    production,
    turns: new Turns(),
    sockets: new OpenSockets(),
    opener: new Opener(codec, settings, (err, version) => {
      app.log.error({ err, session: settings.name, version }, 'a migrate step failed: sessions of that version are discarded')
    }),
    cookies: cookieWriter(app, settings),
    notices: new Notices(settings.name),
    hooks: createHooks(settings),
    log: app.log,
    gate: null,
    ...await loadBackend(settings, secretOf(input))
  }
}

/** Throws `InvalidOption`, also for a schema that cannot hold. */
function readInput (input: object) {
  const production = process.env.NODE_ENV === 'production'
  const settings = readOptions(input, production)
  const { schema, initial, undeclaredKeys } = settings
  const codec = createCodec(schema, { initial, undeclaredKeys, reserved: RESERVED_KEYS })
  checkKeys(settings, (input as { subject?: unknown }).subject, codec)
  return { settings, codec, production }
}

const secretOf = (input: object) => (input as { secret: unknown }).secret

function announce (app: FastifyInstance, { name, store, revocations, cookie, adopt }: Settings): void {
  if (!cookie.policy.secure) app.log.warn({ session: name }, 'the session cookie is not secure: for development over plain http only')
  const kept = store ?? revocations
  if (kept === null) {
    app.log.info({ session: name }, 'the session lives in the cookie: logging out removes it from the browser, but a copy stays valid until it expires. The option revocations makes logging out final')
  }
  for (const { cookie: old, until } of adopt) {
    app.log.info({ session: name, cookie: old.name, until: new Date(until) }, `sessions of an old cookie are adopted until then${kept === null ? ', more than once where the cookie was copied (the option revocations makes it once)' : ''}`)
  }
  if (kept?.atomic === false) {
    app.log.warn({ session: name, atomic: false }, 'the session store has no atomic write: one of two parallel saves can be lost, or bring back a session that has ended')
  }
}

function warnOfMilliseconds (app: FastifyInstance, options: object): void {
  for (const [option, value] of Object.entries(options)) {
    if (typeof value !== 'number' || !looksLikeMilliseconds(option, value)) continue
    app.log.warn({ option, seconds: value }, `the session option ${option} is in seconds: ${value} are ${Math.round(value / 8_640) / 10} days. Are they meant to be milliseconds?`)
  }
}

/** Asks for the secrets, and makes the parts that depend on them. Rejects with `InvalidSecret` and `CipherUnavailable`. */
export async function loadBackend (settings: Settings, secret: unknown): Promise<Pick<Runtime, 'backend' | 'keyIds' | 'keyring' | 'oldCookieIds' | 'secret'>> {
  const secrets = parseSecrets(typeof secret === 'function' ? await findSecrets(secret as () => unknown) : secret)
  const { name, application, cookie, revocationStaleness: staleness } = settings
  const kind = settings.store === null ? sealed(await loadCipher()) : reference
  const keyringOf = (kind: Kind, cookie: string) => createKeyring(secrets, { application, session: name, cookie }, kind)
  const keyring = keyringOf(kind, cookie.name)
  const timeouts = { idle: settings.idle, absolute: settings.absolute }
  const records = storedRecords(settings, timeouts)
  const cache = REMEMBERED
  const cookies = () => new CookieBackend(keyring, { cookie: cookie.name, timeouts, cache }, records === null ? undefined : (raw) => records.key(raw))
  const backend: Backend = records === null
    ? cookies()
    : settings.store === null
      ? new RevocableBackend(cookies(), { records, timeouts, staleness, cache })
      : new StoreBackend(keyring, { records, timeouts, cache })
  return { backend, keyIds: keyring.ids, keyring: keyringOf, oldCookieIds: createOldCookieIds(secrets, { application, session: name }), secret }
}

/** `null`: everything is in the cookie. */
function storedRecords (settings: Settings, timeouts: Timeouts): StoredRecords | null {
  const { store, revocations, storeTimeout, grace, revocationStaleness: staleness } = settings
  const kept = store ?? revocations
  if (kept === null) return null
  const name = namespaceOf({ application: settings.application, session: settings.name, cookie: settings.cookie.name })
  const notBefore = revocations === null ? null : new NotBefore({ calls: new StoreCalls(revocations, storeTimeout), key: `${name}:epoch`, staleness })
  const maxSize = store === null ? Infinity : settings.maxSize
  return new StoredRecords({ calls: new StoreCalls(kept, storeTimeout), namespace: name, timeouts, grace, maxSize, cache: REMEMBERED, notBefore })
}

function cookieWriter (app: FastifyInstance, { cookie: { policy } }: Settings): CookieWriter {
  const { name, sameSite, secure, httpOnly, partitioned, priority } = policy
  const attributes = app.serializeCookie(name, '', { sameSite, secure, httpOnly, partitioned, ...(priority !== null && { priority }) })
  return createCookieWriter(policy, attributes.slice(name.length + 1))
}

function createHooks ({ hooks }: Settings): HookList {
  const list = new HookList()
  for (const [name, hook] of Object.entries(hooks)) if (hook !== undefined) list.add(name, hook)
  return list
}

function checkKeys ({ schema, rotateOn, merge }: Settings, subject: unknown, codec: Codec): void {
  const unknown = (key: string) => new InvalidOption(key, 'is no key of the schema')
  for (const [index, key] of rotateOn.entries()) if (!codec.declares(key)) throw unknown(`rotateOn.${index} (${key})`)
  if (typeof subject === 'string' && !codec.declares(subject)) throw unknown(`subject (${subject})`)
  if (typeof subject === 'string' && !mayBeText(schema, subject)) {
    throw new InvalidOption(`subject (${subject})`, `holds no text and no number. Name a key that does, or give a function: (data) => data.${subject}?.id`)
  }
  for (const key of Object.keys(merge)) if (!codec.declares(key)) throw unknown(`merge.${key}`)
}
