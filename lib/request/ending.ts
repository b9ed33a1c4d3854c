import type { FastifyRequest } from 'fastify'
import { after, type Answer } from '../async/answer.js'
import type { Draft, ENDED, Id, Overtaken, Place, Saved } from '../backends/place.js'
import { Conflict, StoreFailed } from '../errors.js'
import { publicHandle } from '../tokens/public-id.js'
import { emit, type Runtime } from './runtime.js'
import type { Visit } from './visit.js'

const MAX_COLLISIONS = 3

/** Keeps a record under an id that is not taken. `another` makes the next id to try. */
export function createRecord (visit: Visit, draft: Draft, id: () => Id, another: () => void, tries = MAX_COLLISIONS): Answer<Saved> {
  if (tries === 0) throw new Conflict()
  const own = id()
  const creating = visit.runtime.backend.create(own, draft)
  // It may have been kept although there was no answer, and nobody has its token.
  if (creating instanceof Promise) creating.catch((error) => { if (error instanceof StoreFailed) discard(visit, own) })
  return after(creating, (kept) => {
    if (kept !== null) return kept
    another()
    return createRecord(visit, draft, id, another, tries - 1)
  })
}

/** Lets the old id end in favour of the successor. Whatever keeps it from ending leaves nothing behind under the new one. */
export async function supersede (
  visit: Visit, place: Place, successor: Place, final: boolean, now: number
): Promise<'done' | Overtaken | typeof ENDED> {
  const { backend } = visit.runtime
  let outcome: 'done' | Overtaken | typeof ENDED
  try {
    outcome = await backend.supersede(place, successor, final, now)
  } catch (error) {
    // Not waited for: the store may not answer this either.
    discard(visit, successor)
    throw error
  }
  if (outcome === 'done') visit.runtime.sockets.check(place.key)
  else await backend.discard(successor)
  return outcome
}

async function discard ({ runtime, request }: Visit, place: Pick<Place, 'key'>): Promise<void> {
  try {
    await runtime.backend.discard(place)
  } catch (error) {
    request.log.error({ err: error }, 'session record that nobody has a token of could not be removed')
  }
}

/** Ends a session, in a request or outside one. `false`: it had ended by then. Rejects with `StoreFailed`. */
export async function end (runtime: Runtime, place: Place, request: FastifyRequest | null): Promise<boolean> {
  const ended = await runtime.backend.end(place)
  runtime.sockets.check(place.key)
  if (ended) {
    emit(runtime, 'onDestroy', () => {
      const opened = runtime.opener.open(place.record)
      return { request, id: publicHandle(place.key), data: opened.ok ? runtime.codec.copy(opened.data) : {} }
    })
  }
  return ended
}

/** Ends the session that the request has destroyed, and removes its cookie. */
export async function endOf (visit: Visit): Promise<void> {
  await end(visit.runtime, visit.ended as Place, visit.request)
  visit.ended = null
  visit.cookie = visit.runtime.cookies.clear
}
