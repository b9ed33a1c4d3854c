import type { FastifyRequest } from 'fastify'
import type { RequestLike, RequireRecent, Sessions } from '../../types/index.js'
import { InvalidOption, NotRecent } from '../errors.js'
import { CLOCK_SKEW } from '../record/timeouts.js'
import { registered } from '../session/registered.js'

/**
 * A hook that lets a request pass only if somebody has proved at most `seconds` ago who they are; else
 * `FST_TYPED_SESSION_NOT_RECENT`, a 401. `session`: a handle or the name of one, default `'session'`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for what is no number of seconds, or no session. See {@link RequireRecent}.
 */
export const requireRecent: RequireRecent = (seconds, session = 'session') => {
  if (!Number.isFinite(seconds) || seconds <= 0) throw new InvalidOption('requireRecent', 'needs a number of seconds, more than 0')
  const name = sessionName('requireRecent', session)
  return async (request: RequestLike) => {
    const { authenticatedAt } = registered<{ readonly authenticatedAt: Date | null }>(request, name)
    if (authenticatedAt === null) {
      warnIfNeverDated(request, name)
      throw new NotRecent()
    }
    const age = Date.now() - authenticatedAt.getTime()
    // A time that another server's clock has set may lie ahead of ours, by so much and no more.
    if (age > seconds * 1000 || age < -CLOCK_SKEW) throw new NotRecent()
  }
}

const warned = new WeakSet<object>()

/** Without `rotateOn` and `subject` nothing dates a sign-in by itself: nobody may ever get past this hook. */
function warnIfNeverDated (request: RequestLike, name: string): void {
  const { server, log } = request as Partial<FastifyRequest>
  if (server === undefined || log === undefined) return
  const sessions = registered<Sessions<unknown>>(server, name, `${name}s`)
  const { rotateOn, subject } = sessions.policy()
  if (rotateOn.length > 0 || subject || warned.has(sessions)) return
  warned.add(sessions)
  log.warn({ session: name }, 'requireRecent needs rotateOn, subject or reauthenticated(): without the two options only reauthenticated() says when somebody has signed in')
}

/** Of a handle, or the name itself. */
export function sessionName (what: string, session: string | { readonly name: string }): string {
  const name = typeof session === 'string' ? session : (session as { readonly name: string } | null)?.name
  if (typeof name !== 'string' || name === '') throw new InvalidOption(what, 'needs a session as createSession() makes it, or the name of one')
  return name
}
