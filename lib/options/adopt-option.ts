import '../schema/zod-version.js'
import * as z from 'zod'
import type { Adopter } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { cookieDomain, cookieName, cookiePath, MAX_AGE } from './cookie-options.js'

const callable = (what: string) => z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', `must be a function: ${what}`)

/** `fastify-typed-session/adopt` makes what satisfies it. */
const adopter = z.looseObject({
  cookie: z.union([cookieName, z.strictObject({ name: cookieName, path: cookiePath, domain: cookieDomain })], 'must be the name of the old cookie, or { name, path, domain }'),
  until: z.date('must be a Date: from then on the old cookie is ignored'),
  ending: z.enum(['leave', 'forget'], 'must be one of: leave, forget').default('leave'),
  read: callable('(value, request) => ({ data }), or null'),
  forget: callable('(value) => …, which ends the old session').optional()
}, 'must be an adopter, such as fromExpressSession({ … }) of fastify-typed-session/adopt')

export const adopters = z.array(adopter, 'must be a list of adopters, such as [fromExpressSession({ … })] of fastify-typed-session/adopt').readonly().optional()

/** A system that was here before. */
export interface OldSystem {
  readonly cookie: { readonly name: string, readonly path: string, readonly domain: string | null }
  /** Milliseconds since the epoch. */
  readonly until: number
  /** Are old sessions removed as soon as they have been adopted? */
  readonly forgets: boolean
  readonly adopter: Adopter<Record<string, unknown>>
}

/** `given`: what the application gave, so that an adopter may be an object with methods. Throws `InvalidOption`. */
export function oldSystems (parsed: z.output<typeof adopters>, given: unknown, ownCookie: string): readonly OldSystem[] {
  return Object.freeze((parsed ?? []).map(({ cookie, until, ending }, index) => {
    const { name, path, domain } = typeof cookie === 'string' ? { name: cookie, path: '/', domain: undefined } : cookie
    if (name === ownCookie) throw new InvalidOption(`adopt.${index}.cookie`, `${name} is the cookie of this session, too: give one of the two another name (cookie.name)`)
    if (until.getTime() > Date.now() + MAX_AGE * 1000) throw new InvalidOption(`adopt.${index}.until`, 'must be at most 400 days ahead: no browser keeps the old cookie for longer')
    return {
      cookie: { name, path, domain: domain ?? null }, until: until.getTime(), forgets: ending === 'forget', adopter: (given as Adopter<Record<string, unknown>>[])[index] as OldSystem['adopter']
    }
  }))
}
