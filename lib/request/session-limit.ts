import type { Answer } from '../async/answer.js'
import type { Step } from '../async/timeout.js'
import { alone } from '../backends/subject-lock.js'
import { ENDED, isKept, type Place } from '../backends/place.js'
import type { StoredRecords } from '../backends/stored-records.js'
import { TooManySessions } from '../errors.js'
import { end } from './ending.js'
import type { WorkingCopy } from './working-copy.js'

/** Runs the step that makes the session one of `subject`'s, as soon as there is room for one more. */
export function withRoomFor<T> (work: WorkingCopy, subject: string | undefined, enter: () => Answer<T>): Answer<T> {
  const { runtime, standing: { place, data } } = work.visit
  const { maxPerSubject, subject: subjectOf } = runtime.settings
  if (maxPerSubject === 0 || subject === undefined) return enter()
  if (isKept(place) && subjectOf?.({ ...data }) === subject) return enter()
  return makeRoom(work, subject, enter)
}

async function makeRoom<T> (step: WorkingCopy, subject: string, enter: () => Answer<T>): Promise<T> {
  const { runtime, exchange: { request }, place } = step.visit
  const { maxPerSubject, overLimit } = runtime.settings
  const records = runtime.backend.records as StoredRecords
  // Those of this process wait for each other here, the others ask the store now and then.
  return await runtime.turns.run(`subject:${subject}`, () => alone(records, subject, async (hold) => {
    // Another request of the same browser has just signed in, or adopted it: there is nothing to make room for.
    if (place !== null && await isOvertaken(records, place, step)) return await enter()
    const others = (await records.find(subject, Date.now(), step)).sort(bySignIn)
    const tooMany = others.slice(0, Math.max(0, others.length + 1 - maxPerSubject))
    if (tooMany.length > 0 && overLimit === 'refuse') throw new TooManySessions()
    await hold()
    for (const oldest of tooMany) await end(runtime, oldest, request, step)
    await hold()
    return await enter()
  }, step))
}

async function isOvertaken (records: StoredRecords, place: Place, step: Step): Promise<boolean> {
  const now = await records.latest(place, step)
  return now === ENDED || now.moved !== 'no' || isKept(now.latest) !== isKept(place)
}

function bySignIn (a: Place, b: Place): number {
  return signedInAt(a) - signedInAt(b)
}

function signedInAt ({ record: { times } }: Place): number {
  return times.authenticatedAt === 0 ? times.createdAt : times.authenticatedAt
}
