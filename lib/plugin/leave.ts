import { HeadersSent, SessionError, TooManySessions } from '../errors.js'
import { sendCookies } from '../http/set-cookie.js'
import { isAsked, type Why } from '../request/plan.js'
import { save } from '../request/save.js'
import type { Visit } from '../request/visit.js'
import type { Data } from '../session/merge.js'

const LEAVING: Why = Object.freeze({ response: true, failed: false })
const FAILED: Why = Object.freeze({ response: true, failed: true })

/** The response is about to leave: save, then set the cookie. It waits only for a save that is due. */
export function leave (visit: Visit): Promise<void> | undefined {
  const failed = visit.broken || visit.exchange.reply.statusCode >= 500
  if (!failed && visit.refusal !== null) return fail(visit, visit.refusal)
  const saving = failed && visit.storeFailed ? false : save(visit, failed ? FAILED : LEAVING)
  if (saving === false) return close(visit, failed ? visit.snapshot() : visit.standing.data)
  if (saving === true) return saved(visit, failed)
  return saving.then(() => saved(visit, failed), (error: Error) => notSaved(visit, failed, error))
}

function saved (visit: Visit, failed: boolean): Promise<void> | undefined {
  // A hook may have ended the session meanwhile.
  if (visit.ending !== null && visit.ending !== 'elsewhere') return leave(visit)
  close(visit, failed || visit.ending === 'elsewhere' ? visit.snapshot() : visit.standing.data)
}

function notSaved (visit: Visit, failed: boolean, error: Error): Promise<never> | undefined {
  const { log } = visit.exchange.request
  if (error instanceof HeadersSent && visit.exchange.clientGone) log.info('session not saved: its cookie had to change, and the client has gone')
  else if (failed) log.error({ err: error }, 'session of a failed request could not be saved')
  else if (isPutOff(visit, error)) log.error({ err: error.cause ?? error }, 'session could not be renewed: the next request tries again')
  else return fail(visit, error)
  close(visit, visit.snapshot())
}

/** Has nobody asked for what failed? The next request tries it again. A session that there is no room for stays out. */
function isPutOff (visit: Visit, error: Error): boolean {
  return error instanceof SessionError && !(error instanceof TooManySessions) && !isAsked(visit)
}

// Fastify does not run these hooks again for an error within an error, so a destroy or a rotation happens now.
async function fail (visit: Visit, error: Error): Promise<never> {
  visit.fail()
  await leave(visit)
  visit.reopen()
  throw error
}

/** `data`: later changes are told apart from these. */
function close (visit: Visit, data: Data): undefined {
  const { exchange, runtime: { cookies, notices } } = visit
  sendCookies(exchange, cookies, notices)
  visit.close(data)
}
