import { devices, ends, identity, nameOf, placeOf, policy, sizes, tick } from './cards.js'
import { el, show } from './dom.js'
import { join, log } from './log.js'
import { tree } from './tree.js'
import { bytes, count, whyNoCookie, whyRejected } from './words.js'

/** The part of the page for one session. */
export class Panel {
  #open = new Set()
  #before = null
  #events = []
  #end
  #say

  /** `end`: ends a device by its id, and resolves to whether it was there. */
  constructor (name, end) {
    this.#end = end
    this.#say = el('p', { class: 'said', role: 'status' })
    this.state = el('p', { class: 'states' })
    this.cards = {}
    const columns = [['data', 'time', 'policy'], ['size', 'identity', 'devices'], ['events']].map((names) => el('div', { class: 'column' }, names.map((card) => this.#card(card))))
    const id = `session-${name}`
    this.element = el('section', { class: 'panel', id, 'aria-labelledby': `${id}-title` },
      el('div', { class: 'head' }, el('h2', { id: `${id}-title` }, 'request.', el('strong', {}, name)), this.state), this.#say, el('div', { class: 'columns' }, columns))
  }

  #card (name) {
    const titles = { data: 'Data', time: 'When it ends', size: 'Where it lies', identity: 'Facts', devices: 'Devices', events: 'Events', policy: 'Policy' }
    // Long ones can be scrolled, by keyboard, too.
    const body = el('div', ['data', 'events'].includes(name) ? { class: 'body', tabindex: '0', role: 'group', 'aria-label': titles[name] } : { class: 'body', tabindex: '-1' })
    const aside = el('span', { class: 'aside' })
    const title = el('h3', {}, titles[name], aside)
    const card = name === 'policy'
      ? el('details', { class: 'card of-policy' }, el('summary', {}, title), body)
      : el('section', { class: `card of-${name}` }, title, body)
    this.cards[name] = { card, body, aside }
    return card
  }

  /** Draws what has changed. */
  update (view) {
    const { reason, session, policy: settings } = view
    show(this.state, { reason, backend: settings.backend, store: view.store }, () => states(view))
    for (const name of ['data', 'time', 'identity']) this.cards[name].card.hidden = session === null
    this.#events = join(this.#events, view.events)
    show(this.cards.events.body, this.#events, log)
    show(this.cards.size.body, [view.cookie, session?.record], () => sizes(view))
    show(this.cards.policy.body, settings, policy)
    this.cards.devices.card.hidden = !session?.devices
    if (session === null) this.#before = null
    else this.#draw(session, settings)
  }

  #draw (session, settings) {
    const { data, hidden, devices: list } = session
    show(this.cards.data.body, { data, hidden }, () => [tree(data, this.#open, this.#changed(data)), hiddenNote(hidden)])
    const { usedAt, idleEnd, createdAt, absoluteEnd } = session
    show(this.cards.time.body, { usedAt, idleEnd, createdAt, absoluteEnd }, ends)
    show(this.cards.identity.body, { ...session, data: null, devices: null }, () => identity(session, settings.version))
    if (list !== null) show(this.cards.devices.body, [list, session.id], () => devices(list, session.id, (device) => this.#signOut(device)))
    this.cards.devices.aside.textContent = list?.some ? String(list.total) : ''
    this.#before = data
  }

  /** The keys that are not as they were a moment ago. */
  #changed (data) {
    const before = this.#before
    return before === null ? new Set() : new Set(Object.keys(data).filter((key) => JSON.stringify(data[key]) !== JSON.stringify(before[key])))
  }

  async #signOut (device) {
    const ended = await this.#end(device.id)
    this.#say.textContent = ended === null ? 'That could not be done.' : `${ended ? 'Signed out' : 'Was signed out already'}: ${nameOf(device)}`
  }

  tick (now) {
    tick(this.element, now)
  }
}

function hiddenNote ({ keys, bytes: size }) {
  return keys === 0 ? null : el('p', { class: 'soft hidden' }, `${count(keys, 'key')} outside the schema, ${bytes(size)}: not shown.`)
}

function states (view) {
  const { reason, policy: { backend }, store } = view
  const chip = reason === null
    ? el('span', { class: 'chip good' }, 'active')
    : reason === 'no-cookie'
      ? el('span', { class: 'chip' }, 'no session')
      : el('span', { class: 'chip bad' }, `not accepted: ${reason}`)
  const where = backend === 'store' ? `in ${store}` : store === null ? 'in the cookie' : `in the cookie, watched by ${store}`
  const why = reason === null ? null : sentence(reason === 'no-cookie' ? whyNoCookie(view.policy.cookie, window) : whyRejected(reason))
  return [chip, el('span', { class: 'chip where', title: placeOf(view) }, where), why === null ? null : el('span', { class: 'why' }, why)]
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`
