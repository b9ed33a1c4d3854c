import { titleOf } from './report.mjs'

const colors = { ours: '#0a7d5a', peer: '#8a94a6', floor: '#c9b37a', yardstick: '#6d8fd1' }
const BAR = 16
const LABEL = 400
const WIDTH = 970
const shown = /** @type {const} */ ([
  ['U', 'cookie sent, session never read'],
  ['R', 'session read'],
  ['W', 'session changed'],
  ['N', 'new visitor writes'],
  ['R-cold', 'session read, ten thousand of them in turn'],
  ['W-cold', 'session changed, ten thousand of them in turn']
])

/** Of these the README has a picture: how ours and the other Fastify packages are deployed, where a chart has room for all of them. */
const overviewCases = ['R', 'W', 'N']
const tooDear = ['iron-session-tuned', 'better-auth']

/** @param {string} text */
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/**
 * One panel per case, one bar per subject: server CPU per request as a multiple of bare Fastify, the whisker from the least
 * to the most of the rounds. Bars beyond the scale are cut and say so.
 *
 * @param {import('./report.mjs').Report} report
 */
export function chart (report) {
  return draw(report, shown)
}

/** @param {import('./report.mjs').Report} report */
export function overview ({ about, rows }) {
  const isShown = (/** @type {import('./report.mjs').Row} */ { id, group, bare, title }) =>
    (group === 'ours' || group === 'peer') && bare === 'bare' && !title.endsWith(', defaults') && !tooDear.includes(id)
  return draw({ about, rows: rows.filter(isShown) }, shown.filter(([id]) => overviewCases.includes(id)))
}

/** @param {import('./report.mjs').Report} report @param {ReadonlyArray<readonly [string, string]>} cases */
function draw ({ about, rows }, cases) {
  const panels = cases.map(([id, title]) => ({ id, title, bars: rows.filter((row) => id in row.cases && row.backend !== 'none') })).filter(({ bars }) => bars.length > 0)
  let y = 64
  const body = panels.map(({ id, title, bars }) => {
    const top = y
    y += 34 + bars.length * (BAR + 6) + 18
    return panel(id, title, bars, top)
  }).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Server CPU per request relative to bare Fastify">
<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1b1f24">Server CPU per request in a closed loop, bare server = 1 (shorter is better)</text>
<text x="16" y="46" fill="#57606a">${escape(`${String(about.date).slice(0, 10)} · commit ${about.commit} · Node ${about.node} · ${about.machine}`)}</text>
${body}
</svg>
`
}

/** @param {string} id @param {string} title @param {readonly import('./report.mjs').Row[]} bars @param {number} top */
function panel (id, title, bars, top) {
  const longest = Math.max(...bars.map((row) => row.cases[id]?.ratio.median ?? 0))
  const limit = Math.min(Math.ceil(longest), 8)
  const scale = (WIDTH - LABEL - 90) / limit
  const lines = bars.map((row, i) => bar(row, row.cases[id]?.ratio ?? { median: 0, low: 0, high: 0 }, top + 34 + i * (BAR + 6), scale, limit))
  const one = LABEL + scale
  const height = bars.length * (BAR + 6)
  return `<text x="16" y="${top + 20}" font-size="14" font-weight="600" fill="#1b1f24">${id}: ${escape(title)}</text>
${lines.join('\n')}
<line x1="${one.toFixed(1)}" x2="${one.toFixed(1)}" y1="${top + 28}" y2="${top + 30 + height}" stroke="#1b1f24" stroke-dasharray="3 3"/>`
}

/** @param {import('./report.mjs').Row} row @param {import('./statistics.mjs').Spread} ratio @param {number} y @param {number} scale @param {number} limit */
function bar (row, ratio, y, scale, limit) {
  const x = (/** @type {number} */ value) => LABEL + Math.min(value, limit) * scale
  const middle = y + BAR / 2
  const cut = ratio.median > limit ? ' →' : ''
  const end = x(Math.max(ratio.median, ratio.high)) + 6
  return `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end" fill="#1b1f24"${row.group === 'ours' ? ' font-weight="600"' : ''}>${escape(titleOf(row))}</text>
<rect x="${LABEL}" y="${y}" width="${(x(ratio.median) - LABEL).toFixed(1)}" height="${BAR}" fill="${colors[row.group]}"/>
<line x1="${x(ratio.low).toFixed(1)}" x2="${x(ratio.high).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#1b1f24"/>
<text x="${end.toFixed(1)}" y="${middle + 4}" fill="#1b1f24">${ratio.median.toFixed(2)}${cut}</text>`
}
