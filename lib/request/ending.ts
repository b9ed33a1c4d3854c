import type { FastifyRequest } from 'fastify'
import type { Step } from '../async/timeout.js'
import type { Place } from '../backends/place.js'
import { publicHandle } from '../tokens/public-id.js'
import { emit, type Runtime } from './runtime.js'

/** Ends a session, in a request or outside one. `false`: it had ended by then. Rejects with `StoreFailed`. */
export async function end (runtime: Runtime, place: Place, request: FastifyRequest | null, step?: Step): Promise<boolean> {
  const ended = await runtime.backend.end(place, step)
  runtime.sockets.check(place.key)
  if (ended) {
    emit(runtime, 'onDestroy', () => {
      const opened = runtime.opener.open(place.record)
      return { request, id: publicHandle(place.key), data: opened.ok ? runtime.codec.copy(opened.data) : {} }
    })
  }
  return ended
}
