import type { RequestLike, RequireBound, Sessions } from '../../types/index.js'
import { InvalidOption, Unbound } from '../errors.js'
import { registered } from '../session/registered.js'
import { sessionName } from './require-recent.js'

/**
 * A hook that lets a request pass only if its session is bound to a device; else `FST_TYPED_SESSION_UNBOUND`, a 401. `session`: a
 * handle or the name of one, default `'session'`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for what is no session. See {@link RequireBound}.
 */
export const requireBound: RequireBound = (session = 'session') => {
  const name = sessionName('requireBound', session)
  return async (request: RequestLike) => {
    if (registered<{ readonly device: object | null }>(request, name).device !== null) return
    const { server } = request as RequestLike & { readonly server: RequestLike }
    if (!registered<Sessions<unknown>>(server, name, `${name}s`).policy().deviceBound) {
      throw new InvalidOption('requireBound', `nobody could pass: register fastify-typed-session/device-bound for ${name}`)
    }
    throw new Unbound()
  }
}
