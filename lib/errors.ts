import createError from '@fastify/error'

/** Every error of this package is one: `error instanceof SessionError`, told apart by `error.code`. */
export class SessionError extends Error {
  /** Which error it is, for instance `FST_TYPED_SESSION_REQUIRED`; docs/errors.md lists them. */
  declare readonly code: `FST_TYPED_SESSION_${string}`
  /** The status of the answer, unless an error handler decides otherwise: 500 for a mistake in the program, else 401, 409 or 503. */
  declare readonly statusCode: number
}

/** Makes errors of one kind. */
export type SessionErrorConstructor = new (...details: Details) => SessionError
type Details = [detail?: unknown, more?: unknown]

// The return type keeps createError's own out of our declarations: module resolution "bundler" does not find it there.
const define = (name: string, message: string, statusCode = 500): SessionErrorConstructor =>
  createError<SessionError['code'], number, Details>(`FST_TYPED_SESSION_${name}`, message, statusCode, SessionError as unknown as ErrorConstructor)

// Each message says what to do. None carries a value of the session, a key inside a record, a token, an id or a secret.
export const InvalidOption = define('INVALID_OPTION', 'Session option %s: %s')
export const InvalidSecret = define('INVALID_SECRET', 'Session option secret: %s')
export const CipherUnavailable = define('CIPHER_UNAVAILABLE', 'A session in the cookie needs WebAssembly, which could not be loaded here. Run node without --jitless and not for a startup snapshot, or give the session a store')
export const OldZod = define('OLD_ZOD', 'fastify-typed-session needs zod 4.1.7 or newer, and found %s: npm install zod@4')
export const InvalidSchema = define('INVALID_SCHEMA', 'The session schema cannot be used: %s')
export const InvalidData = define('INVALID_DATA', 'The session was not saved, its data does not satisfy the schema: %s')
export const UnknownKey = define('UNKNOWN_KEY', 'The session was not saved, the schema has no %s. Declare it in the schema, or in undeclaredKeys if a plugin writes it')
export const ReservedKey = define('RESERVED_KEY', 'The session cannot hold a key named "%s". Choose another name')
export const TooLarge = define('TOO_LARGE', 'The session %s. Biggest keys: %s')
export const StoreFailed = define('STORE_FAILED', 'The session is unavailable', 503)
export const HookTimeout = define('HOOK_TIMEOUT', 'The session was not saved, its %s hook did not finish within storeTimeout', 503)
export const Conflict = define('CONFLICT', 'The session was not saved: other requests kept changing it, or their changes and this one\'s do not satisfy the schema together. Retry the request', 409)
export const Moved = define('MOVED', 'The session was not saved: it has moved to a new id. Retry the request with the new cookie', 409)
export const Ended = define('ENDED', 'The session has ended', 409)
export const NewerVersion = define('NEWER_VERSION', 'The session was not saved, a newer version of the application wrote it', 409)
export const NotBegun = define('NOT_BEGUN', 'The session was not saved: config.session.begin is false on this route, so it begins none', 409)
export const HeadersSent = define('HEADERS_SENT', 'The session cookie would have to change, but the headers have left. Call save() or rotate() before the response starts')
export const ChangedTooLate = define('CHANGED_TOO_LATE', 'The session was changed after it was saved, and this was lost: %s. Change it before the response starts, or call save()')
export const Reentrant = define('REENTRANT', '%s cannot be called inside a session hook, or inside the function given to update(). Change the data there instead')
export const TooManySessions = define('TOO_MANY', 'The session was not saved, its subject has as many sessions as maxPerSubject allows', 409)
export const NotConfigured = define('NOT_CONFIGURED', '%s needs the option %s')
export const Disabled = define('DISABLED', 'request.%s is switched off on this route by its config')
export const NotReady = define('NOT_READY', 'request.%s is read before it was loaded. Register the plugin before the hook that reads it; a hook such as onRequestAbort may run too early')
export const NotRegistered = define('NOT_REGISTERED', 'The session "%s" is not registered here: app.register(handle.plugin), outside of a plugin of yours, or wrap that plugin in fastify-plugin')
export const NotAssignable = define('NOT_ASSIGNABLE', 'request.%s cannot be assigned. Use session.replace(data)')
export const SessionRequired = define('REQUIRED', 'This needs a session that the request does not have', 401)
export const Forbidden = define('FORBIDDEN', 'The session may not do this', 403)
export const Unbound = define('UNBOUND', 'This needs a session that is bound to the device which the request comes from', 401)
export const NotRecent = define('NOT_RECENT', 'This needs a more recent sign-in', 401)
