import { isKept, type Place } from '../backends/place.js'
import type { OldCookies } from '../http/old-cookies.js'
import type { Visit } from './visit.js'

/** The session gets the data of `place`, which was live at `judgedAt`. `false`: they do not satisfy the schema. */
export function read (visit: Visit, place: Place, judgedAt: number): boolean {
  const opened = visit.runtime.opener.open(place.record)
  if (!opened.ok) {
    visit.hinder({ why: 'unreadable', place })
    visit.reject('invalid', opened.paths)
    sayInvalid(visit, place, opened.paths)
    return false
  }
  visit.standOn({ place, data: opened.data, judgedAt, upgraded: opened.upgraded })
  visit.restore()
  if (opened.salvaged.length > 0) visit.reject('salvaged', opened.salvaged)
  return true
}

function sayInvalid ({ exchange: { old, request: { log } }, runtime: { notices, settings: { version } } }: Visit, place: Place, paths: readonly string[]): void {
  if (isKept(place)) notices.say(log, 'invalid', { paths, written: place.record.times.version, version })
  else notices.say(log, 'not-adopted', { cookie: (old as OldCookies).refuse(), paths })
}
