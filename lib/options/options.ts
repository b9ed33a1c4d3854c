import '../schema/zod-version.js'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { SessionHooks, SessionSchema, SessionStore } from '../../types/index.js'
import { adopters, type OldSystem, oldSystems } from './adopt-option.js'
import { cookieSettings, type CookieSettings, MAX_AGE } from './cookie-options.js'
import { InvalidOption } from '../errors.js'
import { schemaMistake } from './common-mistakes.js'
import { optionError } from './option-error.js'
import type { Data, Resolvers } from '../session/merge.js'
import { isZod } from '../schema/keys.js'
import { isPlainObject } from '../values/clone.js'
import { isStore, storeAdvice } from '../store-shape.js'
import { isPromise } from '../async/promises.js'
import type { Timeout } from '../record/timeouts.js'
import { checkInterval, duration, immediate, readTimeouts, timeout } from './timeout-options.js'

const orNone = duration.nonnegative('must be 0 seconds or more')
const text = z.string('must be a text').max(64, 'must be no longer than 64 characters')
const keys = z.array(z.string('must be a key of the schema'), 'must be a list of keys').readonly()
const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) => z.enum(values, `must be one of: ${values.join(', ')}`)
const plainObject = z.custom<object>(isPlainObject, 'must be an object of functions by the name of the hook')

const store = z.custom<SessionStore>(isStore, { error: ({ input }) => storeAdvice(input) })

const shape = z.strictObject({
  schema: z.custom<SessionSchema>(isZod, { error: ({ input }) => schemaMistake(input) }),
  secret: z.unknown().optional(),
  store: store.optional(),
  name: text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that can follow "request."').default('session'),
  application: text.default(''),
  cookie: z.unknown().optional(),
  idleTimeout: timeout.optional(),
  absoluteTimeout: timeout.optional(),
  timeouts: oneOf('aal1', 'aal2', 'aal3').optional(),
  touchAfter: orNone.optional(),
  rotateOn: keys.default([]),
  rotateEvery: duration.positive('must be more than 0 seconds').optional(),
  rotationGrace: orNone.max(3_600, 'an old token must not live for more than an hour').default(10),
  subject: z.union([z.string(), immediate], 'must be a key, or a function of the data').optional(),
  describe: immediate.optional(),
  maxPerSubject: z.int('must be a whole number').min(1, 'must be 1 or more').optional(),
  overLimit: oneOf('evict-oldest', 'refuse').optional(),
  revocations: store.optional(),
  revocationStaleness: orNone.max(3_600, 'must be an hour (3600 seconds) or less').optional(),
  merge: z.record(z.string(), immediate.optional(), 'must be an object of functions by key').default({}),
  version: z.int('must be a whole number').min(1, 'must be 1 or more').max(65_535, 'must be 65535 or less').default(1),
  migrate: z.record(z.string().regex(/^[1-9]\d*$/, 'must be named by the version it starts from'), immediate, 'must be an object of functions by version').default({}),
  onInvalid: oneOf('discard', 'salvage').default('discard'),
  undeclaredKeys: z.array(z.union([z.string(), z.instanceof(RegExp)], 'must be a name or a RegExp'), 'must be a list of names and RegExps').readonly().default([]),
  storeTimeout: duration.positive('must be more than 0 seconds').max(3_600, 'must be an hour (3600 seconds) or less').default(2),
  maxSize: z.int('must be a whole number of bytes').min(1024, 'must be 1024 bytes or more').default(65_536),
  sweepEvery: orNone.max(MAX_AGE, 'must be 400 days (34560000 seconds) or less').default(600),
  onStoreError: oneOf('fail', 'anonymous').default('fail'),
  initial: z.unknown().optional(),
  adopt: adopters,
  hooks: plainObject.default({})
})

const TEXTUAL: ReadonlySet<string> = new Set(['string', 'number', 'bigint'])

/** The options with every default filled in and every check made. Times are milliseconds. */
export interface Settings {
  readonly schema: SessionSchema
  readonly name: string
  readonly application: string
  readonly cookie: CookieSettings
  readonly store: SessionStore | null
  readonly idle: Timeout
  readonly absolute: Timeout
  /** `Infinity`: a tenth of what the function `idleTimeout` answers. */
  readonly touchAfter: number
  readonly rotateOn: readonly string[]
  /** 0: off. */
  readonly rotateEvery: number
  readonly grace: number
  /** `null`: nobody's. */
  readonly subject: ((data: Data) => string | undefined) | null
  readonly describe: ((request: FastifyRequest) => unknown) | null
  /** 0: no limit. */
  readonly maxPerSubject: number
  readonly overLimit: 'evict-oldest' | 'refuse'
  readonly revocations: SessionStore | null
  readonly revocationStaleness: number
  readonly merge: Resolvers
  readonly version: number
  readonly migrate: Readonly<Record<string, (stored: Data) => unknown>>
  readonly onInvalid: 'discard' | 'salvage'
  readonly storeTimeout: number
  /** Bytes. */
  readonly maxSize: number
  /** 0: off. */
  readonly sweepEvery: number
  readonly onStoreError: 'fail' | 'anonymous'
  readonly undeclaredKeys: readonly (string | RegExp)[]
  readonly initial: unknown
  readonly adopt: readonly OldSystem[]
  readonly hooks: SessionHooks<Data>
}

/** Reads the options of `register`. Throws `InvalidOption` with the path and what to write instead. */
export function readOptions (input: unknown, production: boolean): Settings {
  const { prefix, logLevel, logSerializers, ...given } = Object(input) as Record<string, unknown>
  const parsed = shape.safeParse(given)
  if (!parsed.success) throw optionError(parsed.error, [], Object.keys(shape.shape))
  const options = parsed.data
  const { idle, absolute } = readTimeouts(options)
  const touchAfter = (options.touchAfter ?? (idle.ask === null ? idle.usual / 10_000 : Infinity)) * 1000
  checkInterval('touchAfter', options.touchAfter, 'idleTimeout', idle)
  checkInterval('rotateEvery', options.rotateEvery, 'absoluteTimeout', absolute)
  checkMigrations(options.version, Object.keys(options.migrate))
  checkSubject(options)
  const cookie = cookieSettings(options.cookie, options.name, production)

  return Object.freeze({
    ...pick(options),
    store: options.store ?? null,
    cookie,
    adopt: oldSystems(options.adopt, given.adopt, cookie.name),
    idle,
    absolute,
    touchAfter,
    rotateEvery: (options.rotateEvery ?? 0) * 1000,
    grace: options.rotationGrace * 1000,
    storeTimeout: options.storeTimeout * 1000,
    maxSize: options.maxSize,
    sweepEvery: options.sweepEvery * 1000,
    subject: subjectOf(options.subject),
    describe: (options.describe ?? null) as Settings['describe'],
    maxPerSubject: options.maxPerSubject ?? 0,
    overLimit: options.overLimit ?? 'evict-oldest',
    revocations: options.revocations ?? null,
    revocationStaleness: (options.revocationStaleness ?? 0) * 1000
  })
}

function pick (options: z.output<typeof shape>) {
  const { schema, name, application, rotateOn, version, onInvalid, onStoreError, undeclaredKeys, initial } = options
  return {
    schema,
    name,
    application,
    rotateOn: Object.freeze([...rotateOn]),
    version,
    onInvalid,
    onStoreError,
    undeclaredKeys: Object.freeze([...undeclaredKeys]),
    initial,
    merge: Object.freeze({ ...options.merge }) as Resolvers,
    migrate: Object.freeze({ ...options.migrate }) as Settings['migrate'],
    hooks: Object.freeze({ ...options.hooks }) as SessionHooks<Data>
  }
}

function checkMigrations (version: number, steps: readonly string[]): void {
  const tooNew = steps.find((step) => Number(step) >= version)
  if (tooNew !== undefined) throw new InvalidOption(`migrate.${tooNew}`, `starts from a version that is not older than version (${version})`)
}

function checkSubject ({ subject, store, describe, maxPerSubject, overLimit, revocations, revocationStaleness }: z.output<typeof shape>): void {
  const kept = store ?? revocations
  if (subject !== undefined && kept && kept.findBySubject === undefined) {
    throw new InvalidOption('subject', 'needs a store that can find sessions by subject, and this one cannot (it has no findBySubject): leave it out, or use another store')
  }
  if (overLimit !== undefined && maxPerSubject === undefined) throw new InvalidOption('overLimit', 'has no meaning without maxPerSubject, leave it out')
  if (revocationStaleness !== undefined && !revocations) throw new InvalidOption('revocationStaleness', 'has no meaning without revocations, leave it out')
  for (const [name, value] of Object.entries({ describe, maxPerSubject })) {
    if (value === undefined) continue
    if (subject === undefined) throw new InvalidOption(name, 'needs the option subject, which says whose session it is')
    if (!kept) throw new InvalidOption(name, 'needs a store, or in a cookie session the option revocations')
  }
}

function subjectOf (subject: unknown): Settings['subject'] {
  if (subject === undefined) return null
  const read = typeof subject === 'function' ? subject as (data: Data) => unknown : (data: Data) => data[subject as string]
  return (data) => {
    const value = read(data)
    if (value === undefined || value === null || value === '') return undefined
    // Of all else the text would be the same for everybody.
    if (!TEXTUAL.has(typeof value)) throw new InvalidOption('subject', `must be, or give, a text or a number, not ${isPromise(value) ? 'a promise' : Array.isArray(value) ? 'a list' : `what is of type ${typeof value}`}`)
    return String(value)
  }
}
