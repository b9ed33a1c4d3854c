import { el } from './dom.js'
import { count, time, whyRejected, whyRotated } from './words.js'

const MOST = 100
const LATE = 'changed-too-late'

/** Events of a session as a list, newest first. */
export function log (events) {
  if (events.length === 0) return el('p', { class: 'soft' }, 'Nothing has happened since this process started.')
  return el('ol', { class: 'timeline' }, folded(requestsOf(events)).map(item))
}

/** The events of before and those that the server has now: of what the page has seen it forgets nothing but the oldest. */
export function join (before, now) {
  const known = new Map([...before, ...now].map((event) => [event.number, event]))
  return [...known.values()].sort((one, other) => other.number - one.number).slice(0, MOST)
}

/** Requests, newest first, each with what happened in it. */
function requestsOf (events) {
  const requests = []
  for (const event of events) {
    const last = requests.at(-1)
    if (last !== undefined && event.request !== null && last.request === event.request && last.route === event.route) last.events.unshift(event)
    else requests.push({ request: event.request, route: event.route, at: event.at, events: [event], times: 1 })
  }
  return requests
}

const isLoad = ({ events }) => events.every(({ what }) => what === 'loaded')

/** Loads of one route that follow each other are one line. */
function folded (requests) {
  const lines = []
  for (const request of requests) {
    const last = lines.at(-1)
    if (last !== undefined && isLoad(request) && isLoad(last) && request.route === last.route) last.times++
    else lines.push(request)
  }
  return lines
}

/** The one that gives a request its colour. */
const WEIGHT = ['loaded', 'saved', 'created', 'ended', 'rotated', 'merged', 'rejected']

function item ({ route, at, events, times }) {
  const told = events.filter(({ what }) => what !== 'loaded')
  const heaviest = Math.max(...events.map(({ what }) => WEIGHT.indexOf(what)))
  return el('li', { class: `event ${WEIGHT[heaviest]}` },
    el('span', { class: 'route' }, route ?? 'outside a request'),
    el('time', { datetime: new Date(at).toISOString() }, time(new Date(at))),
    (told.length === 0 ? events.slice(0, 1) : told).map((event) => line(event, times)))
}

function line (event, times) {
  const what = event.why === LATE ? 'changed too late' : event.what
  return el('p', { class: event.what }, el('strong', { class: 'what' }, times === 1 ? what : `${what} × ${times}`), ' ', details(event))
}

function details ({ what, why, keys = [], others = 0 }) {
  if (what === 'rotated') return whyRotated(why)
  if (why === LATE) return whyRejected(why)
  if (what === 'rejected') return [whyRejected(why), ' ', el('code', {}, why)]
  const more = others > 0 ? [keys.length > 0 ? ' and ' : '', count(others, 'key'), ' outside the schema'] : []
  return [keys.flatMap((key, index) => [index > 0 ? ', ' : '', el('code', {}, key)]), more].flat()
}
