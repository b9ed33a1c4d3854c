import { judge } from '../backends/judge.js'
import type { Bindings } from '../backends/backend.js'
import { type Draft, ENDED, type Origin, type Place } from '../backends/place.js'
import { NONE } from '../backends/not-before.js'
import { type Step, storeFailure } from '../async/timeout.js'
import type { Device } from '../record/device.js'
import type { Stored } from '../record/record.js'
import { deadline } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import { subjectOf } from './offer.js'

/** Every lost race means that another request was saved. */
const MAX_RACES = 100

/** Only another server, or a later request, can tell. */
export const LATER = 'later'

/** An answer to the browser, and what is to be kept for it. `null`: nothing. */
export interface Decision<Answer> { readonly answer: Answer, readonly keep: Device | null }

/**
 * Decides by the latest record of the session under `token`, wherever a rotation has carried it, and compares and sets: `decide`
 * is asked again where another request was faster. Nothing but the binding changes, so it is no use of the session.
 * `ENDED`: there is no such session any more. `LATER`: nobody can tell that here and now. Rejects with `StoreFailed`.
 */
export async function rebind<Answer> (runtime: Runtime, token: string, decide: (record: Place['record'], now: number) => Decision<Answer>): Promise<Answer | typeof ENDED | typeof LATER> {
  const bindings = runtime.backend.bindings as Bindings
  const origin = bindings.locate(token)
  // Of a secret that is not known here yet, perhaps: other instances may well know the session.
  if (origin === null) return LATER
  const step: Step = { until: 0 }
  for (let race = 0; race < MAX_RACES; race++) {
    const now = Date.now()
    const place = await live(bindings, runtime.settings, origin, now, step)
    if (typeof place === 'string') return place
    const { answer, keep } = decide(place.record, now)
    if (keep === null || await bindings.rebind(place, draftOf(runtime, place, keep), step) === 'replaced') return answer
  }
  throw storeFailure(new Error(`a session was changed ${MAX_RACES} times while it was to be bound to a device`))
}

/** The session as it is kept, with the data that its cookie carries, where it does. */
async function live ({ records }: Bindings, settings: Runtime['settings'], origin: Origin, now: number, step: Step): Promise<Place | typeof ENDED | typeof LATER> {
  const located = await records.latest(origin, step)
  if (located === ENDED) return ENDED
  const { latest, moved } = located
  const notBefore = await records.notBefore?.current(now) ?? NONE
  if (latest.record.times.createdAt <= notBefore || judge(latest, settings, now).state !== 'found') return ENDED
  if (origin.record === null) return latest
  const { found, times: { authenticatedAt } } = origin.record
  // Its data are in a cookie that the browser is about to get, and may be somebody else's. With that one it asks again.
  const isTheirs = settings.subject === null || (authenticatedAt !== 0 && authenticatedAt === latest.record.times.authenticatedAt)
  if (moved === 'final' && !isTheirs) return LATER
  return { ...latest, record: { ...latest.record, found } }
}

function draftOf (runtime: Runtime, { record, usedAt }: Place, device: Device): Draft {
  const { times, card, found } = record
  return { times, stored: found as Stored, card, device, subject: subjectOf(runtime, record), expiresAt: deadline(times, usedAt, runtime.settings) }
}
