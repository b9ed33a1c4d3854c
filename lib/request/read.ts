import type { Place } from '../backends/place.js'
import type { Visit } from './visit.js'

/** The session gets the data of `place`, which was live at `judgedAt`. `false`: they do not satisfy the schema. */
export function read (visit: Visit, place: Place, judgedAt: number): boolean {
  const opened = visit.runtime.opener.open(place.record)
  if (!opened.ok) {
    visit.hinder({ unreadable: place })
    visit.reject('invalid', opened.paths)
    const { exchange: { request }, runtime: { notices, settings: { version } } } = visit
    notices.say(request.log, 'invalid', { paths: opened.paths, written: place.record.times.version, version })
    return false
  }
  visit.standOn({ place, data: opened.data, judgedAt, upgraded: opened.upgraded })
  visit.restore()
  if (opened.salvaged.length > 0) visit.reject('salvaged', opened.salvaged)
  return true
}
