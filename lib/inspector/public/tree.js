import { el, fill } from './dom.js'
import { bytes, count, sizeOf } from './words.js'

/** Entries of one object or list, at first; more would make the page slow. */
const MOST = 100
const LONG = 60

/** Data as a tree. `open`: the paths that are unfolded, kept from one drawing to the next. `changed`: keys to point at. */
export function tree (data, open, changed) {
  const whole = sizeOf(data)
  const keys = Object.keys(data)
  if (keys.length === 0) return el('p', { class: 'soft' }, 'No data.')
  return list(keys.map((key) => [key, data[key]]), '', { open, changed, whole })
}

function list (entries, path, context) {
  const shown = entries.slice(0, MOST).map(([key, value]) => entry(key, value, `${path}/${key}`, context))
  const rest = entries.length - shown.length
  return el('ul', { class: 'tree' }, shown, rest > 0 ? el('li', { class: 'soft' }, `and ${count(rest, 'more', 'more')}`) : null)
}

function entry (key, value, path, context) {
  const size = sizeOf(value)
  const item = el('li', { class: context.changed?.has(key) ? 'changed' : null })
  const bar = context.whole === undefined ? null : el('span', { class: 'bar small', 'aria-hidden': 'true' })
  if (bar !== null) fill(bar, size / context.whole)
  const head = [el('span', { class: 'key' }, key), preview(value), el('span', { class: 'size' }, bytes(size)), bar]
  const inside = insideOf(value)
  item.append(inside === null ? el('div', { class: 'row' }, head) : unfolding(head, path, context.open, () => inside(path, { open: context.open })))
  return item
}

/** The contents are made when somebody wants to see them. */
function unfolding (head, path, open, make) {
  const details = el('details', { open: open.has(path) }, el('summary', { class: 'row', 'data-key': path }, head))
  const unfold = () => { if (details.open && details.childElementCount === 1) details.append(make()) }
  details.addEventListener('toggle', () => {
    open[details.open ? 'add' : 'delete'](path)
    unfold()
  })
  unfold()
  return details
}

/** A value in one line. */
function preview (value) {
  const kind = value === null ? 'null' : typeof value
  const text = JSON.stringify(value)
  if (text.length <= LONG) return el('span', { class: `value ${kind}` }, text)
  if (Array.isArray(value)) return el('span', { class: 'value object' }, count(value.length, 'item'))
  if (kind === 'object') return el('span', { class: 'value object' }, count(Object.keys(value).length, 'key'))
  return el('span', { class: `value ${kind}` }, `${text.slice(0, LONG)}…`)
}

/** What there is to unfold; `null`: nothing. */
function insideOf (value) {
  if (typeof value === 'string') return JSON.stringify(value).length > LONG ? () => el('pre', { class: 'string', tabindex: '0' }, value) : null
  if (typeof value !== 'object' || value === null) return null
  const entries = Object.entries(value)
  return entries.length === 0 ? null : (path, context) => list(entries, path, context)
}
