import type { FastifyRequest } from 'fastify'
import type { JsonObject } from '../../types/index.js'
import { isPromise } from '../async/promises.js'
import { type Draft, isKept } from '../backends/place.js'
import type { Card } from '../record/record.js'
import { deadline } from '../record/timeouts.js'
import { hookOf } from '../session/hooks.js'
import type { Data } from '../session/merge.js'
import type { Plan } from './plan.js'
import { makeTimes } from './times.js'
import type { Visit } from './visit.js'

type Describe = (request: FastifyRequest) => unknown
/** Characters: a few facts, not a second session. */
const MAX_LENGTH = 2_048

/** The record to be kept of `work`. Throws the codec's errors for data that do not satisfy the schema, or `InvalidData` of a timeout. */
export function makeDraft (visit: Visit, plan: Plan, work: Data): Draft {
  const { runtime, runtime: { codec, settings }, standing, standing: { place }, wish } = visit
  const written = plan.changed || !isKept(place)
  const stored = written ? codec.keep(work) : place.record.found as Draft['stored']
  const data = written ? work : standing.data
  const times = makeTimes(standing, plan, wish.persist, data, runtime)
  const subject = settings.subject?.({ ...data })
  const card = subject === undefined ? null : makeCard(visit, plan)
  const device = place?.record.device ?? null
  return { times, stored, subject, card, device, expiresAt: deadline(times, times.usedAt, settings) }
}

/** The card of a session for lists. `describe` is asked when somebody signs in. */
function makeCard ({ place, exchange: { request }, runtime: { settings } }: Visit, { rotate, privileged }: Plan): Card | null {
  const about = !isKept(place) || privileged ? describe(request, settings.describe) : place.record.card?.about ?? null
  const from = place === null || rotate === null ? null : place.key
  return about === null && from === null ? null : { about, from }
}

/** The answer of the option `describe` for this request. If it fails, the log says so, and the sign-in goes on. */
function describe (request: FastifyRequest, option: Describe | null): JsonObject | null {
  if (option === null) return null
  try {
    const about = hookOf.run(request, () => option(request))
    if (about === undefined || about === null) return null
    const promised = isPromise(about)
    const text = JSON.stringify(about)
    if (text.length > MAX_LENGTH) throw new RangeError(`describe gave ${text.length} characters of JSON, at most ${MAX_LENGTH} are kept`)
    const plain: unknown = JSON.parse(text)
    if (typeof plain !== 'object' || Array.isArray(plain) || promised) throw new TypeError('describe must give a JSON object, at once')
    return plain as JsonObject
  } catch (error) {
    request.log.error({ err: error }, 'a session could not be described')
    return null
  }
}
