import type { FastifyRequest } from 'fastify'
import type { Step } from '../async/timeout.js'
import type { Place } from '../backends/place.js'
import type { Exchange } from '../http/exchange.js'
import type { OldCookies } from '../http/old-cookies.js'
import { publicHandle } from '../tokens/public-id.js'
import type { RejectReason } from '../../types/index.js'
import { forget, oldRemoval, oldSession } from './adoption/old-session.js'
import { emit, type Runtime } from './runtime.js'

/** More cookies of one name than a change of settings leaves behind. */
const MOST_TOKENS = 4
const NOT_OURS: readonly string[] = ['malformed', 'forged', 'unknown-key'] satisfies readonly RejectReason[]

/** Ends what a request's `destroy()` was about: its session, or that of each authentic cookie where it brought several. */
export async function endAsked (runtime: Runtime, place: Place | null, exchange: Exchange, step?: Step): Promise<void> {
  const tokens = exchange.takeSeveral()
  try {
    if (place !== null) await end(runtime, place, exchange.request, step)
    await endEach(runtime, tokens, exchange.request, step)
    if (exchange.old !== null) await endOld(runtime, exchange.old, exchange.request, step)
  } catch (error) {
    // A second try needs them.
    exchange.keepCookies()
    throw error
  }
}

async function endEach (runtime: Runtime, tokens: readonly string[], request: FastifyRequest, step?: Step): Promise<void> {
  let authentic = 0
  for (const token of new Set(tokens)) {
    const loaded = await runtime.backend.load(token, Date.now(), step)
    if (loaded.state === 'none' && NOT_OURS.includes(loaded.reason)) continue
    if (loaded.state === 'found') await end(runtime, loaded.place, request, step)
    if (++authentic === MOST_TOKENS) return
  }
}

/** The old cookies of the request lead nowhere any more, here and in the old system. */
async function endOld (runtime: Runtime, old: OldCookies, request: FastifyRequest, step?: Step): Promise<void> {
  const brought = old.take()
  for (const { system, values } of brought) {
    for (const value of values.slice(0, MOST_TOKENS)) {
      // Where nothing is kept there is no place for a mark.
      const found = runtime.backend.records === null ? null : await oldSession(runtime, system, value, request, step)
      if (found?.state === 'found') await end(runtime, found.place, request, step)
      await forget(runtime, system, value, step)
    }
  }
  old.remove(brought.map((cookie) => oldRemoval(runtime, cookie)))
}

/** Ends a session, in a request or outside one. `false`: it had ended by then. Rejects with `StoreFailed`. */
export async function end (runtime: Runtime, place: Place, request: FastifyRequest | null, step?: Step): Promise<boolean> {
  const ended = await runtime.backend.end(place, step)
  runtime.sockets.check(place.key)
  if (ended) {
    emit(runtime, 'onDestroy', () => ({ request, id: publicHandle(place.key) }), () => {
      const opened = runtime.opener.open(place.record)
      return opened.ok ? runtime.codec.copy(opened.data) : {}
    })
  }
  return ended
}
