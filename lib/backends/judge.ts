import { deadline, type Timeouts } from '../record/timeouts.js'
import type { Loaded, Place } from './place.js'

/** Milliseconds: a session that has begun further ahead of our clock is not accepted. */
const MOST_AHEAD = 3_600_000
const EXPIRED: Loaded = { state: 'none', reason: 'expired' }

/** Is the found session good at `now`? A session is judged here and nowhere else. A time ahead of our clock is read as now. */
export function judge (place: Place, timeouts: Timeouts, now: number): Loaded {
  const { createdAt, rotatedAt, authenticatedAt } = place.record.times
  const ahead = Math.max(0, Math.max(createdAt, rotatedAt, authenticatedAt, place.usedAt) - now)
  if (createdAt > now + MOST_AHEAD) return { state: 'none', reason: 'from-the-future', ahead }
  const found = ahead === 0 ? place : readAt(place, now)
  return now < deadline(found.record.times, found.usedAt, timeouts) ? { state: 'found', place: found, at: now, ahead } : EXPIRED
}

/** Except the sign-in: a route that asks for a recent one takes none from the future. */
function readAt (place: Place, now: number): Place {
  const { record } = place
  const { times } = record
  const until = (time: number) => Math.min(time, now)
  const read = { ...times, createdAt: until(times.createdAt), rotatedAt: until(times.rotatedAt), usedAt: until(times.usedAt) }
  return { ...place, usedAt: until(place.usedAt), record: { ...record, times: read } }
}
