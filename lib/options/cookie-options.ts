import '../schema/zod-version.js'
import * as z from 'zod'
import type { SessionPolicy } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { optionError } from './option-error.js'

/** Seconds. RFC 6265bis §5.5: browsers keep a cookie no longer. */
export const MAX_AGE = 34_560_000
const MAX_ATTRIBUTE = 1024

// RFC 6265bis §4.1.1: a name is an HTTP token; §5.6: an attribute value of more than 1024 octets is ignored.
export const cookieName = z.string('must be a text').regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be an HTTP token: letters, digits and !#$%&\'*+.^_`|~-').max(256, 'must be no longer than 256 characters')
const attribute = z.string('must be a text').max(MAX_ATTRIBUTE, 'browsers ignore an attribute of more than 1024 bytes')

const PERSISTENT = 'must be true or false: how long a session lives is for idleTimeout and absoluteTimeout to say'

const NO_AUTO = "must be true or false. There is no 'auto': the cookie is secure, and browsers take it on localhost, too. For plain http in development: false"

export const cookiePath = attribute.regex(/^\/[!-:<-~]*$/, 'must begin with "/" and hold no space, semicolon or control character').default('/')
export const cookieDomain = attribute.regex(/^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'must be a host name').optional()

const shape = z.strictObject({
  name: cookieName.optional(),
  path: cookiePath,
  domain: cookieDomain,
  sameSite: z.enum(['lax', 'strict', 'none'], 'must be one of, in small letters: lax, strict, none').default('lax'),
  secure: z.boolean({ error: ({ input }) => input === 'auto' ? NO_AUTO : 'must be true or false' }).default(true),
  partitioned: z.boolean('must be true or false').default(false),
  priority: z.enum(['low', 'medium', 'high'], 'must be one of: low, medium, high').optional(),
  persistent: z.boolean(PERSISTENT).default(false)
}, "must be an object of the cookie's options, such as { name: 'sid' }")

export interface CookieSettings {
  readonly policy: SessionPolicy['cookie']
  readonly name: string
  /** Does the cookie outlive the browser? */
  readonly persistent: boolean
}

/** Reads the `cookie` option. Throws `InvalidOption` for what browsers would reject. */
export function cookieSettings (input: unknown = {}, session: string, production: boolean): CookieSettings {
  const parsed = shape.safeParse(input)
  if (!parsed.success) throw optionError(parsed.error, ['cookie'], Object.keys(shape.shape))
  const options = parsed.data
  const ownName = options.name ?? defaultName(session, options)
  checkSecure(options, production)
  checkPrefix(ownName, options)
  checkDomain(options)
  const { path, domain, sameSite, secure, partitioned, priority, persistent } = options
  return Object.freeze({
    name: ownName,
    persistent,
    policy: {
      name: ownName, path, domain: domain ?? null, sameSite, secure, httpOnly: true as const, partitioned, priority: priority ?? null, persistent
    }
  })
}

type Options = z.output<typeof shape>

// The strongest prefix that holds. Browsers that do not know `__Host-Http-` still enforce its `__Host-` part.
function defaultName (session: string, { secure, path, domain }: Options): string {
  if (!secure) return session
  return path === '/' && domain === undefined ? `__Host-Http-${session}` : `__Http-${session}`
}

function checkSecure ({ secure, sameSite, partitioned }: Options, production: boolean): void {
  if (secure) return
  if (production) {
    throw new InvalidOption('cookie.secure', 'must not be false when NODE_ENV is production: serve over https and set Fastify\'s trustProxy behind a proxy')
  }
  if (sameSite === 'none') throw new InvalidOption('cookie.sameSite', "browsers reject 'none' without secure")
  if (partitioned) throw new InvalidOption('cookie.partitioned', 'browsers reject it without secure')
}

// Browsers take a public suffix for no domain; of one label only localhost is none.
function checkDomain ({ domain }: Options): void {
  if (domain === undefined || /^\.?(?:localhost|.+\..+)$/i.test(domain)) return
  throw new InvalidOption('cookie.domain', 'browsers drop a cookie of a top-level domain or of a single name: write the whole domain, such as example.com, or leave it out')
}

// RFC 6265bis §4.1.3 and draft-ietf-httpbis-layered-cookies §4.1.3; browsers compare prefixes without regard to case.
function checkPrefix (name: string, { secure, path, domain }: Options): void {
  const prefix = /^__(?:host-http-|host-|http-|secure-)/i.exec(name)?.[0]
  if (prefix === undefined) return
  if (!['__Host-Http-', '__Host-', '__Http-', '__Secure-'].includes(prefix)) {
    throw new InvalidOption('cookie.name', `browsers treat ${prefix} as a prefix, write it in the usual case`)
  }
  if (!secure) throw new InvalidOption('cookie.name', `browsers reject the prefix ${prefix} without secure`)
  if (!prefix.startsWith('__Host-')) return
  if (path !== '/') throw new InvalidOption('cookie.path', `browsers reject the prefix ${prefix} with a path other than "/"`)
  if (domain !== undefined) throw new InvalidOption('cookie.domain', `browsers reject the prefix ${prefix} with a domain`)
}
