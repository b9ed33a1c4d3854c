import { InvalidOption, NotRegistered } from '../errors.js'
import type { RequestLike } from '../../types/index.js'

/**
 * The value that the plugin has put on Fastify's request, or under `key` on its instance, for the session `name`.
 * Throws `FST_TYPED_SESSION_NOT_REGISTERED`, and `…_INVALID_OPTION` for the request of another framework.
 */
export function registered<T> (holder: RequestLike, name: string, key = name): T {
  if (typeof (holder as Partial<RequestLike> | null)?.getDecorator !== 'function') {
    throw new InvalidOption('request', 'must be the request of Fastify. Another one, as Node or socket.io has it, goes to app.sessions.open(request)')
  }
  try {
    return holder.getDecorator<T>(key)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'FST_ERR_DEC_UNDECLARED') throw new NotRegistered(name)
    throw error
  }
}
