import { el, fill } from './dom.js'
import { bytes, count, moment, span } from './words.js'

/** Names and values. A value is a text or an element; in the place of a pair may be `null`. */
export function facts (pairs) {
  return el('dl', { class: 'facts' }, pairs.filter((pair) => pair !== null).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))))
}

function when (date, otherwise) {
  return date === null ? otherwise : el('time', { datetime: date }, moment(new Date(date)))
}

export function identity ({ id, createdAt, authenticatedAt, usedAt, version, persists, device }, current) {
  return facts([
    ['Public id', el('code', {}, id)],
    ['Created', when(createdAt)],
    ['Signed in', when(authenticatedAt, 'no')],
    ['Last use', when(usedAt)],
    ['Cookie', persists ? 'outlives the browser' : 'ends with the browser'],
    device === null ? null : ['Bound to this device', when(device.boundAt)],
    device === null ? null : ['Last proof of it', when(device.refreshedAt)],
    version === current ? null : ['Schema', `version ${version}, ours is ${current}`]
  ])
}

/** A bar with words beside it. */
function meter (label, { bytes: used, limit }, note) {
  const bar = el('div', { class: `bar${used > limit * 0.75 ? ' high' : ''}`, role: 'meter', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': String(limit), 'aria-valuenow': String(used) })
  fill(bar, used / limit)
  return el('div', { class: 'meter' },
    el('p', { class: 'label' }, el('span', {}, label), el('span', { class: 'soft' }, el('strong', {}, bytes(used)), ` of ${bytes(limit)}`)),
    bar, note === undefined ? null : el('p', { class: 'soft' }, note))
}

export function sizes ({ cookie, session, policy, store }) {
  const note = cookie.bytes > 3072 ? 'Proxies may have no room for it: nginx has 4 KiB for all headers of a response.' : undefined
  return [
    meter('Cookie', cookie, note),
    session?.record ? meter('Record', session.record) : null,
    el('p', { class: 'soft' }, placeOf({ policy, store }))
  ]
}

/** Where a session lies. */
export function placeOf ({ policy, store }) {
  if (policy.backend === 'store') return `The cookie carries an id. The session lies in ${store}.`
  return store === null ? 'The session lies in the cookie, sealed. Nothing on the server knows of it.' : `The session lies in the cookie, sealed. ${store} knows whether it lives.`
}

/** Two ends that come nearer; `tick` moves them. */
export function ends ({ usedAt, idleEnd, createdAt, absoluteEnd }) {
  return el('div', { class: 'ends' }, end('Idle, unless it is used', usedAt, idleEnd), end('Absolute, in any case', createdAt, absoluteEnd))
}

function end (label, since, until) {
  return el('div', { class: 'meter', 'data-since': since, 'data-until': until },
    el('p', { class: 'soft' }, label), el('p', { class: 'left' }), el('div', { class: 'bar', 'aria-hidden': 'true' }), el('p', { class: 'soft' }, when(until)))
}

/** Every second. `now`: by the clock of the server. */
export function tick (root, now) {
  for (const part of root.querySelectorAll('[data-until]')) {
    const [since, until] = [Date.parse(part.dataset.since), Date.parse(part.dataset.until)]
    part.querySelector('.left').textContent = until > now ? span((until - now) / 1000) : 'over'
    fill(part.querySelector('.bar'), (until - now) / (until - since))
  }
}

/** `end`: called with the id of a device. */
export function devices ({ total, some }, own, end) {
  if (some === null) return el('p', { class: 'soft' }, 'They cannot be listed: that needs revocations or a store, and one that answers.')
  const list = some.map((device) => {
    const button = el('button', { type: 'button', 'data-key': device.id, 'aria-label': `Sign out: ${nameOf(device)}, ${device.id}` }, 'Sign out')
    button.addEventListener('click', () => end(device))
    return el('li', {}, el('div', {},
      el('strong', {}, nameOf(device)), device.id === own ? el('span', { class: 'chip own' }, 'this browser') : null,
      el('p', { class: 'soft' }, device.authenticatedAt === null ? 'Not signed in' : `Signed in ${moment(new Date(device.authenticatedAt))}`, `, last used ${moment(new Date(device.lastUsedAt))}`)), button)
  })
  const rest = total - some.length
  return [el('ul', { class: 'devices' }, list), rest > 0 ? el('p', { class: 'soft' }, `and ${count(rest, 'more', 'more')}`) : null]
}

/** What the option `describe` says of a device, or its id. */
export function nameOf ({ about, id }) {
  const text = about === null ? '' : Object.values(about).map((value) => typeof value === 'object' ? JSON.stringify(value) : String(value)).join(', ')
  return text === '' ? id : text
}

const SECONDS = ['idleTimeout', 'absoluteTimeout', 'touchAfter', 'rotateEvery', 'rotationGrace', 'storeTimeout', 'revocationStaleness']

/** The options in force, by their names. */
export function policy ({ cookie, ...options }) {
  const named = [...Object.entries(options), ...Object.entries(cookie).map(([name, value]) => [`cookie.${name}`, value])]
  return facts(named.map(([name, value]) => [el('code', {}, name), SECONDS.includes(name) ? seconds(value) : name === 'maxPerSubject' && value === 0 ? 'no limit' : plain(value)]))
}

function seconds (value) {
  if (value === null) return 'a function of the data'
  return value === 0 ? 'off' : span(value)
}

function plain (value) {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return value === null ? 'none' : String(value)
}
